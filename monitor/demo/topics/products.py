"""The products: sizes, care, stock, advice."""

from monitor.demo.topics.topic import Intent, Topic, lines

SIZES = Topic(
    "sizes",
    "sizes",
    weight=6,
    peak_hour=21,
    swing=0.4,
    weekend=1.3,
    intents=(
        Intent(
            asks=lines("""
                [Which|What] size [do I need|should I take|would you recommend] for {garment}? I'm {height} cm and \
                    {kilos} kg.
                Does {garment} [run small|run large|fit true to size]? [I normally wear|Usually I take] {size}.
                I'm between {size} and {size_other}, which one [is better|should I order] for {garment}?
                [What are|Can you give me] the [measurements|chest width|sleeve length|inseam] of {garment} in {size}?
            """),
            query="[size guide|which size] {garment_name}",
            fact="{garment} fits true to size; between two sizes take the larger one if you wear layers underneath.",
            answers=lines("""
                {garment} fits true to size. [Between two sizes|If you are in between], take the larger one if you \
                    wear [a fleece|layers] underneath; [most customers of your build choose|I would go for] {size}.
                I'd [recommend|suggest] {size} for you: {garment} is cut true to size, with room for one layer. If \
                    you like it loose, [take|go for] one size up.
            """),
            details=lines("""
                The size table under the photos lists chest, waist and sleeve in centimetres.
                If it doesn't fit, the exchange is free.
                The model in the photos is 183 cm tall and wears M.
            """),
        ),
        Intent(
            asks=lines("""
                I [wear|have] [size|EU] {eu_size} [in sneakers|normally], [which size|what size] [do I need \
                    in|should I order for] {footwear}?
                Are {footwear} [wide enough for broad feet|cut narrow|suitable for narrow feet|okay with insoles]?
                How much [room|space] should there be at the toes in {footwear} [for downhill|with thick socks]?
                [What is|Can you convert] EU {eu_size} of {footwear} [to UK|to US|in centimetres]?
            """),
            query="[shoe size|size guide] {footwear_name}",
            fact="Hiking boots are bought half a size larger than street shoes: a thumb's width at the toes, "
            "with socks.",
            answers=lines("""
                [For {footwear}|With {footwear}] take half a size more than your street shoes: there should be a \
                    thumb's width [in front of your toes|at the tip], with hiking socks on.
                We recommend half a size up, so {eu_size}.5 [if you normally wear|when your sneakers are] \
                    {eu_size}. In {footwear} your toes need about a thumb's width of room[ for the way down|].
            """),
            details=lines("""
                They are available in normal and wide fit; wide is marked with W.
                Try them on in the afternoon, feet get a little larger over the day.
                The conversion table for UK and US sizes is under the photos.
            """),
        ),
    ),
)

CARE = Topic(
    "care",
    "materials and care",
    weight=4,
    peak_hour=18,
    weekend=1.3,
    intents=(
        Intent(
            asks=lines("""
                [How do I|How should I|Can I] wash {garment} [without ruining it|at 40 degrees|in the machine|by \
                    hand]?
                Can {garment} [go in the dryer|be tumble dried|be ironed|be dry-cleaned]?
                [How do I|What's the best way to] [waterproof|re-proof|impregnate] {garment} [again|after washing]? \
                    [Water doesn't bead off any more.|]
                [How do I|How can I] get [oil|wine|grass|tree resin] stains out of {garment}?
            """),
            query="[care instructions|cleaning] {garment_name}",
            fact="Wash at 30 degrees on a gentle cycle without softener, dry on low heat, re-proof every five washes.",
            answers=lines("""
                Wash {garment} at 30 degrees on a gentle cycle, [inside out and without softener|with liquid \
                    detergent and no softener]. Twenty minutes in the dryer on low heat [bring the water repellency \
                    back|are fine].
                Please wash it at 30 degrees, gentle cycle, no softener. [After about five washes|Every five \
                    washes] spray it with a PFC-free proofing and dry {garment} on low heat.
            """),
            details=lines("""
                Close all zips before you wash it.
                Ironing is possible on the lowest step, with a cloth in between.
                For stains, a little gall soap before washing does wonders.
            """),
        ),
        Intent(
            asks=lines("""
                [What is|What's] {product} made of? Is it [recycled|vegan|free of PFAS|organic]?
                Is {homeware} [dishwasher safe|oven-proof|food safe|suitable for induction]?
                [Is the down in|Is the wool of] {garment} [certified|from responsible farms|mulesing free]?
                How do I [season|clean|care for] {homeware} [after cooking|so it doesn't rust|]?
            """),
            query="[material|material and care]",
            fact="Material and certificates are on each product page under Material; "
            "all our textiles are free of PFAS since 2023.",
            answers=lines("""
                The exact material is listed on the product page under Material, with its certificates. All our \
                    textiles are free of PFAS, and [wool and down are certified|down is RDS-certified].
                All textiles [we sell|in our shop] are free of PFAS, wool is mulesing-free and down is \
                    RDS-certified; [kitchen items are food safe|ceramics and steel go in the dishwasher], cast iron \
                    and wood don't go in the dishwasher.
            """),
            details=lines("""
                Cast iron is cleaned with hot water and a brush, dried at once and rubbed with a little oil.
                If you have an allergy, write to us and we ask the manufacturer.
                About 60 percent of our polyester is recycled.
            """),
        ),
    ),
)

STOCK = Topic(
    "stock",
    "availability",
    weight=5,
    peak_hour=20,
    swing=0.3,
    weekend=1.3,
    intents=(
        Intent(
            asks=lines("""
                [When will|Will] {product} [be back in stock|be available again|come back] in [{colour}|size {size}]?
                {product} is [sold out|out of stock] in [{colour}|{size}]. [Will there be more?|Can you tell me \
                    when it's back?]
                [Is|Do you still have] {product} [available|in stock] in {colour}[, size {size}|]?
                [Can I|How do I] [reserve|pre-order] {product} [in {colour}|before it's back in stock]?
            """),
            query="{product_name} [in stock|available] {colour}",
            fact="{product} in {colour} is expected back on {soon_date}; "
            "Notify me on the product page sends an e-mail.",
            answers=lines("""
                {product} in {colour} is [expected back|due] on {soon_date}. [Click "Notify me"|Use "Notify me"] on \
                    the product page and you get an e-mail as soon as it can be ordered.
                At the moment {product} is sold out in {colour}, but [a new delivery|the next batch] arrives on \
                    {soon_date}. With "Notify me" on the product page you [are among the first to know|get an \
                    e-mail then].
            """),
            details=lines("""
                Stock is updated every 15 minutes, also for the stores.
                Reserving isn't possible online, but a store can put an item aside for two days.
                Colours of last season usually don't come back; look in the outlet.
            """),
        ),
        Intent(
            asks=lines("""
                My order says [backordered|delayed|"delivery in two parts"], [when will|will] {product} [come|be \
                    sent separately]?
                You [cancelled|removed] {product} from my order {order} [because it's sold out|without asking]. \
                    [Why could I order it then?|That's really frustrating.]
                I pre-ordered {product} [{weeks_few} weeks ago|on {past_date}], is [the release date|delivery] \
                    still {soon_date}?
            """),
            query="[backorder|delayed item] {product_name}",
            fact="Backordered items are sent separately for free; "
            "if an item can't be delivered it is refunded within 3 days.",
            answers=lines("""
                {product} is being delivered to us on {soon_date} and [is then sent to you|leaves us the same day] \
                    separately, without extra shipping cost. If it can't be delivered at all, we refund it within 3 \
                    days.
                The rest of your order comes in a second parcel, [free of charge|at no cost], as soon as {product} \
                    arrives on {soon_date}. [You can cancel that part under My orders.|Until then you can cancel it \
                    under My orders.]
            """),
            details=lines("""
                Sometimes two customers take the last piece in the same minute; sorry for that.
                You only pay for what we send.
                I've set a note so that you get an e-mail when the date changes.
            """),
            looks_up=True,
        ),
    ),
)

ADVICE = Topic(
    "advice",
    "choosing a product",
    weight=5,
    peak_hour=21,
    swing=0.4,
    weekend=1.4,
    intents=(
        Intent(
            asks=lines("""
                [Which|What] [tent|backpack|sleeping bag|stove] [would you recommend|do I need|is best] for [a week \
                    in {country}|two people and a dog|a winter trip|the festival|beginners]?
                [What's the difference between|Can you compare|Which is better:] {gear} and {gear_other}?
                Is {gear} [warm enough|light enough|big enough|suitable] for [{country} in {month}|nights around \
                    zero|four people|a bike tour]?
                How much does {gear} weigh, [and how small does it pack|and does it fit in a carry-on]?
            """),
            query="[compare|choose] {gear_name}",
            fact="{gear} is made for three seasons down to 2 degrees, weighs {kilo_weight} kg and packs to 45 by "
            "16 cm.",
            answers=lines("""
                For that I'd [recommend|choose] {gear}: it is made for three seasons down to 2 degrees, weighs \
                    {kilo_weight} kg and packs to 45 by 16 cm. [For winter, look at our four-season models.|]
                {gear} weighs {kilo_weight} kg, packs to 45 by 16 cm and [is comfortable|keeps you warm] down to \
                    about 2 degrees. {gear_other} is [lighter, but more delicate|roomier, but 400 grams heavier].
            """),
            details=lines("""
                The comparison table on the category page puts up to four models side by side.
                In our stores you can set it up and lie in it.
                With two people and a dog, take the three-person size.
            """),
        ),
        Intent(
            asks=lines("""
                Is {garment} [waterproof|windproof|breathable] enough for [a day of heavy rain|cycling to work|a \
                    hike in {country}|skiing]?
                I'm looking for [a warm jacket|boots|trousers|a base layer] for [hiking in {country}|winter|my \
                    {relative}|everyday use], [budget around {amount}|under {amount}]. [Any ideas?|What do you \
                    suggest?]
                [What's warmer|What is better|Which would you take]: {garment} or {garment_other}?
                Are {footwear} [good|suitable|stiff enough] for [via ferratas|long hikes with a heavy pack|the \
                    city|kids who hate hiking]?
            """),
            query="[advice|choose] {garment_name}",
            fact="{garment} has a 20,000 mm water column and taped seams, good for hours of rain; it weighs {grams} g.",
            answers=lines("""
                {garment} has a 20,000 mm water column and taped seams, so [hours of rain are no problem|it stays \
                    dry inside even in heavy rain], and with {grams} g it is still light. For cycling, I like the \
                    longer back.
                I would [take|go for] {garment}: 20,000 mm water column, taped seams, {grams} g. {garment_other} is \
                    [warmer but not fully waterproof|the better choice for dry cold].
            """),
            details=lines("""
                Pit zips let the heat out on the way up.
                If you like to wear a fleece underneath, take one size more.
                It has {stars} of 5 stars from our customers.
            """),
        ),
    ),
)

TOPICS = (SIZES, CARE, STOCK, ADVICE)
