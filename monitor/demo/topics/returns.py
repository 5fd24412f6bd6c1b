"""Returns, refunds, exchanges, warranty."""

from monitor.demo.topics.topic import Intent, Topic, lines

RETURNS = Topic(
    "returns",
    "returns",
    weight=8,
    peak_hour=20,
    swing=0.3,
    weekend=1.2,
    intents=(
        Intent(
            asks=lines("""
                [How do I|How can I|Can I|What do I have to do to] [return|send back] {product}?
                {product} [doesn't fit|isn't what I expected|looks different from the photos], [how do I send it \
                    back|I want to return it]. [Order {order}.|]
                Where do I [find|get|print] the return label [for {order}|]? [I don't have a printer.|There was \
                    none in the box.|]
                [Do I have to pay|Is it free] to [return|send back] [something|{product}|an order]?
            """),
            query="how to return [an order|item] return label",
            fact="Returns are free within 30 days: get a label or QR code in My orders and hand the parcel in at "
            "any parcel shop.",
            answers=lines("""
                Returns are free for 30 days. [Go to|Open] My orders > Return, [select the item|choose {product}], \
                    and you get a label to print or a QR code for the parcel shop.
                You have 30 days to send it back for free: [create|request] a label under My orders > Return and \
                    drop the parcel off at any {carrier} shop. Without a printer, show the QR code.
            """),
            details=lines("""
                Please use the original box if you can, and put the item in its bag.
                Several items of one order can go back in one parcel.
                Guests create a label at acme.example/returns with order number and e-mail.
            """),
        ),
        Intent(
            asks=lines("""
                [How long do I have|How many days do I have|What's the deadline|How much time is left] to return \
                    [something|{product}] [I bought on {past_date}|from the sale|I got as a gift|]?
                [Can I|Is it still possible to] return {product} [after 30 days|without the box|without the tags|if \
                    I wore it once|after washing it]?
                I bought {product} [{weeks_few} weeks ago|on {past_date}], [is it too late to return it|can I still \
                    return it]?
                Can I return [sale items|underwear|an opened item|a gift] [and get my money back|]?
            """),
            query="return policy [conditions|period]",
            fact="30 days from delivery, unworn and with tags; "
            "sale items too. Underwear and opened food or fuel are excluded.",
            answers=lines("""
                You can return items within 30 days after delivery, [unworn and with their tags|as long as they are \
                    unused and have their tags]. That [includes|also covers] sale items; underwear and opened food \
                    are excluded.
                Our return window is 30 days from delivery, also for sale items. Trying on at home is fine, but \
                    [worn or washed items|things that were used outdoors] can't be taken back, and neither can \
                    underwear.
            """),
            details=lines("""
                For orders from November and December the window is extended until 31 January.
                Gifts can be returned for a voucher if you have the gift receipt.
                If the tag came off by accident, put it in the bag; that's fine for us.
            """),
        ),
    ),
)

REFUNDS = Topic(
    "refunds",
    "refunds",
    weight=6,
    peak_hour=11,
    swing=0.3,
    weekend=0.7,
    intents=(
        Intent(
            asks=lines("""
                [When will I|When do I] get my [money back|refund] for [order {order}|{product}]? I [returned \
                    it|sent it back] on {past_date}.
                I [returned|sent back] {product} {weeks_few} weeks ago and [still no refund|my money isn't \
                    back|I've heard nothing].
                How long [does a refund|do refunds|does it] take [to show up|to arrive] on [my card|my bank \
                    account|PayPal]?
                {order}: you [confirmed|received] the return on {past_date}, where are my {amount}?
            """),
            query="refund [status|time] {order}",
            fact="Refunds are made within 5 working days after the return arrives, to the original means of payment.",
            answers=lines("""
                We refund within 5 working days after your return reaches us, [always to the payment method you \
                    used|to the original payment method]. Your parcel for {order} [arrived|was scanned in our \
                    returns centre] on {past_date}, so the money is due by {soon_date}.
                Your return for {order} [was checked in|is registered] on {past_date}. The refund of {amount} goes \
                    to your original payment method and [should be there|arrives] by {soon_date}.
            """),
            details=lines("""
                Card refunds can take two more days until your bank shows them.
                You'll get an e-mail as soon as the refund is booked.
                If you paid with a gift card, the amount goes back to the same gift card.
            """),
            looks_up=True,
        ),
        Intent(
            asks=lines("""
                [I only got|You only refunded|I received] {fee} instead of {amount} for {order}. [Why?|Please \
                    explain.]
                You [deducted|kept] [the shipping|{fee}] from my refund [for {product}|], [is that right?|I don't \
                    understand why.]
                Can I get [my refund|the refund for {order}] [to a different card|as a voucher|to another account]? \
                    [My old card has expired.|]
            """),
            query="refund [amount|partial]",
            fact="Shipping is refunded only if the whole order is returned; vouchers reduce the refund by their share.",
            answers=lines("""
                The refund for {order} is lower because [a voucher was used|part of the order was kept]: we spread \
                    the discount over all items, and shipping is only refunded if everything comes back.
                Standard shipping is refunded only when the whole order is returned, and a voucher is deducted by \
                    its share. For {order} [that explains the difference|this leaves {fee}].
            """),
            details=lines("""
                The credit note under My orders shows how it was calculated.
                A refund to a different account isn't possible for legal reasons; with an expired card your bank \
                    still receives it.
                If the numbers still look wrong, I can pass this on to our accounts team, who answer within two days.
            """),
            looks_up=True,
        ),
    ),
)

EXCHANGES = Topic(
    "exchanges",
    "exchanges",
    weight=4,
    peak_hour=19,
    weekend=1.2,
    intents=(
        Intent(
            asks=lines("""
                [Can I|Could I|How do I] [exchange|swap] {garment} [for a bigger size|for a smaller one|for size \
                    {size}]?
                {garment} is too [big|small|tight|long] in {size}. [Can you send me|I need] [a {size_other}|one \
                    size up|one size down] instead.
                Can I exchange {product} for [another colour|{colour}|a different model] [in a store|]?
                [Is it faster to|Should I rather] [exchange|swap] {garment} or return it and reorder it in {colour}?
            """),
            query="[exchange|swap size] {garment_name}",
            fact="Exchanges for another size or colour are free within 30 days; "
            "the new item is sent once the return is scanned.",
            answers=lines("""
                Exchanging is free within 30 days: choose "Exchange" instead of "Refund" under My orders > Return, \
                    and pick [the size|size {size_other}]. We [send|ship] the new one as soon as {carrier} scans \
                    your return.
                Yes, for another size or colour [you can exchange it|an exchange is free] within 30 days. Select \
                    Exchange in My orders; the new {garment_name} leaves us [when your parcel is scanned|as soon as \
                    the old one is on its way].
            """),
            details=lines("""
                The new item is reserved for you for 10 days.
                If the new size costs more or less, you still pay the old price.
                For a different model, please return the first one and place a new order.
            """),
        ),
    ),
)

WARRANTY = Topic(
    "warranty",
    "warranty and repairs",
    weight=4,
    peak_hour=15,
    intents=(
        Intent(
            asks=lines("""
                The [zip|seam|sole|buckle|strap] of my {gear_or_garment} [broke|came off|tore] after {weeks_few} \
                    [weeks|months]. [Is that covered by warranty?|Can you repair it?]
                My {gear_or_garment} [is leaking|leaks at the seams|isn't waterproof any more|is losing its \
                    coating] after {weeks_few} months, [is that a defect|what can I do]?
                [How do I|Where do I] [make|file] a warranty claim for {product} [bought on {past_date}|]? [I lost \
                    the receipt.|]
                [Do you|Can you] repair my {gear_or_garment}? [A zip is stuck.|There is a small hole in it.|One \
                    strap is torn.]
            """),
            query="warranty claim repair {gear_or_garment}",
            fact="We give a 3-year warranty on material and workmanship and repair most items within 10 working days.",
            answers=lines("""
                That is covered: we give 3 years of warranty on material and workmanship. [Start a claim|Open a \
                    case] under My orders > Warranty with two photos, and we [repair or replace it|repair it] \
                    within 10 working days.
                Your {gear_or_garment} has a 3-year warranty. Send us photos under My orders > Warranty; [most \
                    items are repaired|our workshop repairs most items] within 10 working days, and shipping is free.
            """),
            details=lines("""
                The receipt isn't needed if you ordered with your account.
                Normal wear isn't covered, but our workshop repairs it at cost price, from 12 euros.
                If a repair isn't possible, you get a new item or a voucher for the full price.
            """),
        ),
        Intent(
            asks=lines("""
                [How long is|What is covered by|What do I need for] the [warranty|guarantee] on {product}?
                [Is there|Do you give] a [warranty|guarantee] on {product}, and [for how long|does it cover wear \
                    and tear]?
                Does the warranty [still apply|hold] if I [bought {product} second-hand|live in {country} \
                    now|washed it wrong]?
            """),
            query="warranty period conditions {product_name}",
            fact="The warranty is 3 years from delivery, covers defects but not wear, and belongs to the item, "
            "not the buyer.",
            answers=lines("""
                The warranty is 3 years from the day of delivery. It covers defects in material and workmanship, \
                    [not normal wear|but no wear and tear], and [it stays with the item|it also holds for the next \
                    owner].
                {product} comes with 3 years of warranty from delivery, for [all defects in material and \
                    workmanship|everything that is our fault]. Wear, accidents and wrong washing are not included.
            """),
            details=lines("""
                The legal two years of liability are of course untouched by this.
                It is valid in all countries that we deliver to.
                Keep the order number, that's all we need as proof.
            """),
        ),
    ),
)

TOPICS = (RETURNS, REFUNDS, EXCHANGES, WARRANTY)
