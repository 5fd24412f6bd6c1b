"""Orders: where they are, what went wrong, how they are changed."""

from monitor.demo.topics.topic import Intent, Topic, lines

ORDER_STATUS = Topic(
    "order_status",
    "tracking an order",
    weight=11,
    peak_hour=9,
    swing=0.35,
    weekend=0.9,
    intents=(
        Intent(
            asks=lines("""
                [Where is|Where's] my [order|parcel|package] {order}?
                I ordered {product} on {past_date} and [it still hasn't arrived|nothing has come yet]. [Any \
                    news?|Where is it?]
                [Can you tell me|Could you check|Do you know] when {order} will [arrive|be delivered|get here]?
                [What's|What is] the status of my order {order}? [The app|Your website|The email] [only says|just \
                    shows] "in progress".
                [My order|Order] {order} was supposed to be here on {weekday}, what [happened|is going on]?
                I'm still waiting for [the|my] {product_name} I bought {days_few} days ago, order number {order}.
            """),
            query="[track|status|delivery date] order {order}",
            fact="Order {order} left the warehouse on {past_date} with {carrier}; delivery is expected on {soon_date}.",
            answers=lines("""
                [I've checked|I looked up|I just checked] order {order}: it left our warehouse on {past_date} with \
                    {carrier} and [should reach you|is due] on {soon_date}.
                Your order {order} is [on its way|in transit]. {carrier} picked it up on {past_date}, and [the \
                    expected delivery date|delivery] is {soon_date}.
            """),
            details=lines("""
                You can follow it live with tracking number {tracking} on the {carrier} website.
                {carrier} will send you a text message with a two-hour window on the morning of the delivery.
                If it hasn't arrived by the end of {soon_date}, write to us again and we'll open an investigation \
                    with {carrier}.
            """),
            looks_up=True,
        ),
        Intent(
            asks=lines("""
                [The tracking link|My tracking number|The {carrier} tracking] [doesn't work|shows nothing|says "not \
                    found"], what [should I do|now]?
                I have [a confirmation|an order confirmation] for {product} but no [tracking number|tracking link]. \
                    [How do I track my parcel?|When will I get one?]
                [How|Where] can I track [my delivery|a parcel|my package] if I ordered [as a guest|without an \
                    account]?
                {carrier} tracking hasn't [moved|been updated|changed] since {weekday}. Is [my parcel|the package] \
                    lost?
            """),
            query="[parcel tracking not working|how to track a parcel]",
            fact="Tracking starts up to 24 hours after dispatch; "
            "guests track with order number and e-mail at acme.example/track.",
            answers=lines("""
                Tracking becomes active up to 24 hours after the parcel leaves us, so [a new link often shows \
                    nothing at first|an empty page is normal on the first day].
                You can [track any order|see the latest scan] at acme.example/track with your order number and \
                    e-mail address, [also without an account|even if you ordered as a guest].
            """),
            details=lines("""
                The tracking number is in the e-mail "Your parcel is on its way"; please check your spam folder too.
                A parcel between two depots is often not scanned for two or three days, which does not mean that it \
                    is lost.
                If there is no scan for five working days, we start a search with {carrier} and send a replacement.
            """),
        ),
    ),
)


DELIVERY_PROBLEM = Topic(
    "delivery_problem",
    "problems with a delivery",
    weight=5,
    peak_hour=18,
    swing=0.3,
    weekend=1.1,
    intents=(
        Intent(
            asks=lines("""
                [Tracking says|{carrier} says|The app says] my parcel was delivered [yesterday|on {weekday}|this \
                    morning] but [I never got it|there is nothing here|nobody in the house has it].
                My [package|parcel] {order} is marked as delivered, [but it isn't here|I haven't received \
                    anything]. [What now?|Please help.]
                [The driver|The courier|{carrier}] left my parcel [at the wrong address|with a neighbour I don't \
                    know|outside in the rain] [and it's gone|and now it is missing].
                I think my delivery was stolen [from the porch|from the hallway]. Order {order}, {product}.
            """),
            query="parcel marked delivered not received",
            fact="Report a missing parcel within 14 days; after a search of 3 working days with the carrier we "
            "resend or refund it.",
            answers=lines("""
                [I'm sorry|Sorry] that {order} didn't reach you. I've [opened|started] a search with {carrier}; it \
                    takes up to 3 working days, and [after that|if it isn't found] we send a replacement or refund \
                    you in full.
                [That's annoying|That should not happen]. Please check with neighbours and for a card from \
                    {carrier} first. If it doesn't turn up, we search for 3 working days and then resend or refund \
                    order {order}.
            """),
            details=lines("""
                Please confirm your delivery address so that I can add it to the case.
                {carrier} keeps a photo or a signature for each delivery, and we ask for it.
                You don't need to go to the police for this; our parcels are insured up to 500 euros.
            """),
            looks_up=True,
        ),
        Intent(
            asks=lines("""
                [My|The] {product_name} arrived [broken|damaged|with a crack|completely smashed]. [How do I get a \
                    new one?|What should I do?]
                The box was [open|crushed|soaking wet] when {carrier} delivered it and [the|my] {product_name} is \
                    [damaged|ruined].
                [There is|I have] an item missing in [my parcel|order {order}], I only got [one of two|the \
                    {product_name}].
                You sent me the wrong [item|product|colour], I ordered {product} in {colour}. [What happens \
                    next?|How do we fix this?]
            """),
            query="[problem with an item|damaged or wrong item] in parcel",
            fact="For damaged, missing or wrong items send a photo within 14 days; "
            "the replacement leaves us the next working day.",
            answers=lines("""
                [I'm sorry about that|Sorry for the trouble]! Please send us a photo of the item and the box within \
                    14 days, and a replacement [leaves our warehouse|goes out] on the next working day, free of \
                    charge.
                We'll put that right: upload a photo under My orders > Report a problem, and we ship the correct \
                    {product} on the next working day. You don't need to pay anything.
            """),
            details=lines("""
                You only have to send the wrong item back if it is worth more than 20 euros; the label is free.
                Please keep the box until the case is closed, because the carrier may want to look at it.
                If it's out of stock we refund you within 3 working days.
            """),
        ),
    ),
)

CHANGE_ORDER = Topic(
    "change_order",
    "changing or cancelling an order",
    weight=5,
    peak_hour=12,
    intents=(
        Intent(
            asks=lines("""
                [Can I|How do I|Is it possible to|I'd like to] cancel [my order|order {order}]? I [changed my \
                    mind|ordered twice|found it cheaper].
                I [accidentally|just] ordered [the wrong size|two instead of one|{product} twice], please cancel \
                    [one of them|it|{order}].
                Please [cancel|stop] [order|my order] {order} [immediately|before it ships|right away].
            """),
            query="cancel order [before shipping|]",
            fact="An order can be cancelled in My orders within 60 minutes; "
            "after that refuse the parcel or return it for free.",
            answers=lines("""
                You can cancel an order yourself under My orders for 60 minutes after placing it. [After \
                    that|Later] it is being packed; [please refuse the parcel|just send it back with the free \
                    label] and we refund everything.
                Within the first hour there is a Cancel button next to {order} in My orders. Once it is packed we \
                    can't stop it any more, but [the return is free|you can refuse the delivery and get your money \
                    back].
            """),
            details=lines("""
                The money for a cancelled order is back within 3 working days.
                A single item can be cancelled too, as long as the order is not packed.
                Vouchers that you used are valid again right after the cancellation.
            """),
        ),
        Intent(
            asks=lines("""
                I [entered|typed|gave] the wrong [address|house number|postcode] for [order {order}|my order]. [Can \
                    you change it?|How can I correct it?]
                [I've moved|I'm moving] to {city} [next week|last month], can you [send|deliver] {order} to [my new \
                    address|the new flat] instead?
                Can I [add|still add] {product} to [my order|order {order}] [so I don't pay shipping twice|from \
                    this morning]?
                [Could you|Can you] change the [colour|size] in order {order} to {colour}, size {size}?
            """),
            query="change order [after ordering|before it is packed]",
            fact="Address and items can be changed in My orders until the order is packed, usually 60 minutes "
            "after it was placed.",
            answers=lines("""
                As long as {order} is not packed, usually for 60 minutes, you can [change the address and the \
                    items|edit it] under My orders > Edit. [After that|Once it's packed] you can redirect the \
                    parcel in the {carrier} app.
                Open My orders and choose Edit: address, size and colour can be changed for about 60 minutes. \
                    Later, only {carrier} can redirect the parcel, [free of charge in their app|with the link in \
                    the shipping e-mail].
            """),
            details=lines("""
                We can't add items to a packed order, but I can refund the second shipping fee if you order again \
                    today.
                Please check the default address in your account, too.
                For safety we never change an address over chat.
            """),
            looks_up=True,
        ),
    ),
)

TOPICS = (ORDER_STATUS, DELIVERY_PROBLEM, CHANGE_ORDER)
