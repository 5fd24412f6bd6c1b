"""Delivery times, delivery abroad, pick-up points and stores."""

from monitor.demo.topics.topic import Intent, Topic, lines

DELIVERY_TIMES = Topic(
    "delivery_times",
    "delivery times and costs",
    weight=6,
    peak_hour=20,
    swing=0.4,
    weekend=1.2,
    intents=(
        Intent(
            asks=lines("""
                [How long does|How many days does] [standard shipping|delivery|shipping] [take|usually take] to \
                    {city}?
                If I order {product} [today|tonight|now], [will it arrive|can I have it] by {weekday}?
                I need {product} before {soon_date} [for a birthday|for a trip|as a present]. [Is that \
                    possible?|Will it make it?]
                [What are|Which are] [the|your] delivery times [at the moment|right now|before the holidays]?
            """),
            query="[standard|usual] delivery time [to {city}|]",
            fact="Standard delivery takes 3 to 5 working days; "
            "express arrives the next working day if ordered before 2 pm.",
            answers=lines("""
                Standard delivery takes 3 to 5 working days[, also to {city}|]. With express, orders placed before \
                    2 pm arrive on the next working day.
                [Normally it takes|Please allow] 3 to 5 working days for standard delivery. If you're in a hurry, \
                    choose express at checkout: order before 2 pm and it [arrives|comes] the next working day.
            """),
            details=lines("""
                The checkout shows the exact date for your postcode before you pay.
                Large items such as tents are sent with a separate carrier and need one or two days more.
                We ship from Monday to Friday; orders placed on a weekend leave us on Monday.
            """),
        ),
        Intent(
            asks=lines("""
                [How much is|What do I pay for|How much do you charge for] [shipping|delivery|express delivery] \
                    [for an order of {amount}|for {product}]?
                [Is there|Do you have] free [shipping|delivery], and from [which|what] amount?
                Why was I charged {fee} for [shipping|delivery] [on order {order}|when my basket is {amount}]?
                [Does|Do] [members|newsletter subscribers|students] get free shipping [on {product}|]?
            """),
            query="shipping cost free delivery [minimum|threshold]",
            fact="Standard shipping is 4.90 euros and free from 60 euros; express is 9.90 euros.",
            answers=lines("""
                Standard shipping costs 4.90 euros and is free [for orders over|from] 60 euros. Express is 9.90 \
                    euros[ for every order|].
                From 60 euros on, standard shipping is free; below that [we charge|it is] 4.90 euros. Express \
                    delivery always costs 9.90 euros.
            """),
            details=lines("""
                The amount counts after vouchers, so a discount can bring a basket below the limit.
                Large items such as tents over 10 kg have a surcharge of 12 euros, which is shown on the product page.
                Gold members of our points programme always ship for free.
            """),
        ),
    ),
)


INTERNATIONAL = Topic(
    "international",
    "delivery abroad",
    weight=3,
    peak_hour=19,
    weekend=1.1,
    intents=(
        Intent(
            asks=lines("""
                [Do you ship|Do you deliver|Can you send {product}] to {country}?
                [What does|How much does] [delivery|shipping] to {country} cost[ and how long does it take|]?
                I live in {country}, [can I order from your shop|is it possible to buy {product}|how do I set the \
                    country at checkout]?
            """),
            query="international shipping to {country}",
            fact="We ship to 31 countries in Europe; delivery to {country} costs 12.90 euros and takes 5 to 8 "
            "working days.",
            answers=lines("""
                Yes, we ship to {country}. [Delivery|It] costs 12.90 euros and takes 5 to 8 working days[, with \
                    tracking all the way|].
                We deliver to 31 European countries, {country} included: 12.90 euros per order, [5 to 8 working \
                    days|and allow 5 to 8 working days].
            """),
            details=lines("""
                Choose {country} at the bottom of the page first, so that prices and delivery dates are right.
                Tents over 10 kg and fuel can't be sent abroad.
                Returns from abroad go to our partner in the same country, so you pay domestic postage at most.
            """),
        ),
        Intent(
            asks=lines("""
                [Do I have to|Will I have to] pay [customs|import duties|import VAT|extra taxes] [for an order|when \
                    ordering {product}|if you ship] to {country}?
                {carrier} wants {fee} [import charges|customs fees|for customs clearance] for {order}, [is that \
                    normal|why]?
                My parcel to {country} is stuck [in customs|at the border|at customs clearance], [what do they \
                    need|how long can that take]?
            """),
            query="customs duties import charges {country}",
            fact="Inside the EU there are no duties; for other countries duties are calculated and paid at checkout.",
            answers=lines("""
                Inside the EU you pay no duties. For [Switzerland, Norway and the UK|countries outside the EU] we \
                    calculate duties and import VAT at checkout, so [the carrier must not ask for more|nothing is \
                    due at the door].
                Duties for countries outside the EU are part of the price at checkout; within the EU there are \
                    none. [If the carrier still asks for money|If you are charged again], send us the receipt and \
                    we refund it.
            """),
            details=lines("""
                Customs clearance usually takes one to three working days.
                If customs ask for an invoice, you can download it under My orders.
                Gifts to other people are treated like normal orders.
            """),
        ),
    ),
)

PICK_UP = Topic(
    "pick_up",
    "pick-up points and collecting in a store",
    weight=3,
    peak_hour=17,
    swing=0.4,
    weekend=0.8,
    intents=(
        Intent(
            asks=lines("""
                [Can I|Is it possible to] [collect|pick up] my order in [a store|your {city} store|the shop in \
                    {city}]?
                How does [click and collect|store pick-up|reserve and collect] work [for {product}|]?
                [How long|How many days] do you keep [my click and collect order|a reserved item] in the {city} store?
                Can [someone else|my {relative}] [collect|pick up] [the order|{order}] for me in {city}?
            """),
            query="click and collect [store {city}|]",
            fact="Click and collect is free, ready within 2 hours, and kept for 7 days; "
            "bring the pick-up code or an ID.",
            answers=lines("""
                With click and collect your order is ready in the store within 2 hours and [we keep it|it is kept] \
                    for 7 days, free of charge. [Just show the pick-up code|Bring the code from the e-mail].
                Choose "Collect in store" at checkout. You get an e-mail with a code, usually within 2 hours, and \
                    have 7 days to [come by|collect it].
            """),
            details=lines("""
                Someone else can collect it with your code; an ID is not needed then.
                You can try things on in the store and leave what doesn't fit right there.
                Orders that aren't collected after 7 days are cancelled and refunded automatically.
            """),
        ),
        Intent(
            asks=lines("""
                [Can you deliver|Do you ship] to a [parcel locker|packing station|pick-up point|post office]?
                [I'm never home during the day|Nobody is home on {weekday}], can I have [it|{order}] sent to a \
                    [locker|parcel shop] [nearby|in {city}]?
                The parcel shop [was full|is closed|has sent my parcel back], where is {order} now?
            """),
            query="deliver to parcel locker pick-up point",
            fact="Lockers and parcel shops can be chosen at checkout for parcels under 20 kg; "
            "they keep a parcel for 7 days.",
            answers=lines("""
                Yes: choose "Pick-up point" at checkout and [search for|pick] a locker or shop near you. Parcels up \
                    to 20 kg [are accepted|fit], and they are kept for 7 days.
                You can send [any parcel|everything] under 20 kg to a locker or parcel shop; the list [appears|is \
                    shown] at checkout once you enter your postcode. It stays there for 7 days.
            """),
            details=lines("""
                If a locker is full, {carrier} brings the parcel to the nearest shop and tells you by text message.
                A parcel that is sent back to us is refunded within 3 working days after it arrives.
                Pay on delivery isn't possible at pick-up points.
            """),
        ),
    ),
)

STORES = Topic(
    "stores",
    "our stores",
    weight=2,
    peak_hour=11,
    swing=0.4,
    weekend=1.8,
    intents=(
        Intent(
            asks=lines("""
                [What are|Can you tell me] the opening hours of [your|the] {city} store [on {weekday}|today|over \
                    the holidays|]?
                [Is the store in {city}|Are you|Is your shop] open on [Sunday|{weekday}|public holidays]?
                [Where is|What's the address of] [your nearest store|the Acme store in {city}]? [Is there parking?|]
                Does [the {city} shop|your store in {city}] have {product} [to try on|on display|in stock]?
            """),
            query="store {city} opening hours",
            fact="The stores are open Monday to Saturday from 10 to 20 and closed on Sundays and public holidays.",
            answers=lines("""
                Our {city} store is open from 10 to 20, Monday to Saturday, and [closed|it's closed] on Sundays and \
                    public holidays.
                You can visit us in {city} Monday to Saturday between 10 and 20. We're closed on Sundays[ and \
                    public holidays|].
            """),
            details=lines("""
                On product pages "In stores" shows live stock for each shop.
                You'll find the address and directions at acme.example/stores.
                Boot fitting with an expert is free, and you can book a slot online.
            """),
        ),
    ),
)

TOPICS = (DELIVERY_TIMES, INTERNATIONAL, PICK_UP, STORES)
