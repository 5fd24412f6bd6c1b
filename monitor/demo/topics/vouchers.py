"""Vouchers and gift cards."""

from monitor.demo.topics.topic import Intent, Topic, lines

VOUCHERS = Topic(
    "vouchers",
    "vouchers",
    weight=5,
    peak_hour=20,
    swing=0.5,
    weekend=1.3,
    intents=(
        Intent(
            asks=lines("""
                [My|The] [voucher|discount code|promo code|coupon] {voucher} [doesn't work|isn't accepted|says "not \
                    valid"|is invalid] [at checkout|in the app|for {product}|]. [Why?|]
                Why can't I [use|redeem] {voucher} [on {product}|with sale items|together with another code]?
                I forgot to [enter|use] [my code|the voucher] {voucher} [when I ordered|on order {order}]. [Can you \
                    still take off the {percent} percent?|Can you apply it now?]
                How many [vouchers|codes] can I [use|combine] [in one order|on {product}]?
            """),
            query="voucher code {voucher} not working",
            fact="One code per order; codes are valid from 40 euros and not on reduced items; "
            "{voucher} gives {percent} percent.",
            answers=lines("""
                {voucher} gives {percent} percent on orders from 40 euros, [but not on reduced items|except for \
                    items on sale], and only one code can be used per order. [Please check these three \
                    points|Usually one of these is the reason].
                Codes [work|are valid] from 40 euros, once per order, and not on reduced items. If that fits, \
                    [type|enter] {voucher} without spaces in the field Voucher in the basket: it takes off \
                    {percent} percent.
            """),
            details=lines("""
                A code can't be added to an order that is already placed, but you can cancel within 60 minutes and \
                    order again.
                Some codes are personal and only work with the e-mail address that received them.
                {voucher} is valid until the end of {month}.
            """),
        ),
        Intent(
            asks=lines("""
                [Do you have|Is there] [any|a] [discount|voucher|student discount|promo code] [right now|for new \
                    customers|for {product}|]?
                When does [the next|your] [sale|summer sale|winter sale|Black Friday sale] start? [Will {product} \
                    be reduced?|]
                {product} is [{percent} percent off|cheaper] now, [a week|{days_few} days] after I bought it. [Can \
                    I still get that price?|Do you refund the difference?]
            """),
            query="current [discount|sale|promotion]",
            fact="New newsletter subscribers get 10 euros off; "
            "price drops are refunded within 14 days of the purchase.",
            answers=lines("""
                New newsletter subscribers get a 10 euro voucher, and students get 10 percent [with a valid student \
                    ID|via acme.example/students]. If a price drops within 14 days of your purchase, we refund the \
                    difference.
                At the moment you get 10 euros off when you sign up for our newsletter. [Bought something that is \
                    cheaper now?|And if the price has dropped:] Within 14 days we refund the difference on request.
            """),
            details=lines("""
                The next sale is announced in the newsletter two days before it starts.
                Price matching with other shops isn't possible.
                Outlet items are up to 50 percent cheaper all year round.
            """),
        ),
    ),
)

GIFT_CARDS = Topic(
    "gift_cards",
    "gift cards",
    weight=3,
    peak_hour=19,
    weekend=1.2,
    intents=(
        Intent(
            asks=lines("""
                [How do I|Where do I|How can I] [use|redeem|enter] [my gift card|a gift card|a gift card code] [in \
                    the app|at checkout|online]?
                [How much|What amount] is left on my gift card [ending in {digits}|]?
                My gift card [has expired|doesn't work|is not recognised]: [the number ends in {digits}|I got it \
                    for my birthday]. [What can I do?|]
                Can I [buy|order] a gift card [as a PDF|by e-mail|over {amount}] [for my {relative}|] and [have it \
                    today|choose the date]?
            """),
            query="gift card [help|use]",
            fact="Gift cards from 10 to 500 euros come by e-mail at once, are valid for 3 years and can be used "
            "in parts.",
            answers=lines("""
                Enter the 16-digit number and the PIN under Payment > Gift card. [What is left|The rest] stays on \
                    the card, which is valid for 3 years; the balance is shown at acme.example/giftcard.
                Gift cards of 10 to 500 euros are sent by e-mail [within minutes|right after payment] and valid for \
                    3 years. They're redeemed at checkout with number and PIN, [also in several parts|and any rest \
                    stays on the card].
            """),
            details=lines("""
                A gift card can't be paid out in cash.
                If the PIN is unreadable, send us a photo of the card and the receipt.
                Two gift cards can be used in one order.
            """),
        ),
    ),
)

TOPICS = (VOUCHERS, GIFT_CARDS)
