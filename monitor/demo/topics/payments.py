"""Payment and invoices."""

from monitor.demo.topics.topic import Intent, Topic, lines

PAYMENT_METHODS = Topic(
    "payment_methods",
    "payment methods",
    weight=4,
    peak_hour=20,
    swing=0.3,
    intents=(
        Intent(
            asks=lines("""
                [Which|What] payment methods do you [accept|offer] [in {country}|]?
                [Can I|Is it possible to] pay [by bank transfer|with Apple Pay|with PayPal|by direct debit|cash on \
                    delivery|with two cards]?
                [Can I pay|Do you offer payment] in [instalments|three instalments|monthly instalments] for {product}?
                [Can I|How do I] pay [later|in 30 days|by invoice] [if I'm a new customer|]?
            """),
            query="[payment methods|ways to pay]",
            fact="We accept cards, PayPal, Apple Pay, direct debit and purchase on account; "
            "instalments start at 150 euros.",
            answers=lines("""
                You can pay by card, PayPal, Apple Pay, direct debit or on account within 30 days. \
                    [Instalments|Three instalments] are possible from 150 euros.
                We accept cards, PayPal, Apple Pay and direct debit, and you can [buy on account|pay within 30 \
                    days]; from 150 euros [in three instalments without interest|also in instalments].
            """),
            details=lines("""
                Cash on delivery isn't offered.
                For payment on account, billing and delivery address must be the same on the first order.
                The amount is only charged when the parcel leaves our warehouse.
            """),
        ),
    ),
)

PAYMENT_DECLINED = Topic(
    "payment_declined",
    "payment problems",
    weight=4,
    peak_hour=21,
    swing=0.4,
    weekend=1.1,
    intents=(
        Intent(
            asks=lines("""
                My [card|credit card|payment|PayPal payment] [was declined|is rejected|keeps failing|doesn't go \
                    through] [at checkout|for order {order}|]. [Why?|There is enough money on it.|]
                [I get|I'm getting|There's] error {error_code} [when I try to pay|at checkout|after entering the \
                    3-D Secure code].
                The checkout [freezes|shows a blank page|goes back to the basket] when I [click Pay|confirm in my \
                    banking app|choose PayPal].
            """),
            query="payment [declined|error] at checkout",
            fact="Most declined cards fail 3-D Secure: confirm in the bank's app within 5 minutes, or pay another way.",
            answers=lines("""
                A declined card is nearly always stopped by your bank's 3-D Secure check. Please [confirm the \
                    payment in your banking app|approve it in your bank's app] within 5 minutes, or try another \
                    method such as PayPal; the basket is kept.
                Please [try again and approve|check that you approve] the payment in your bank's app within 5 \
                    minutes: [most declines|nine out of ten declines] come from there. If it still fails, use \
                    PayPal or another card.
            """),
            details=lines("""
                The billing address has to be the one your bank knows.
                A private window or another browser helps if the page stays blank.
                We never see the reason ourselves; your bank can tell you.
            """),
        ),
        Intent(
            asks=lines("""
                I was charged [twice|two times|double] for [order {order}|{product}|the same order]. [Please refund \
                    one.|Please fix this.]
                [There is|I see] a [pending|second] charge of {amount} on my [card|account] [but no order|that I \
                    don't recognise].
                My payment [failed|was declined] but the money [was taken|is gone] [from my account|anyway]: \
                    {amount} on {past_date}.
            """),
            query="[charged twice|duplicate payment|pending charge]",
            fact="A second pending charge is a reservation that the bank releases within 3 to 7 days; "
            "only one payment is booked.",
            answers=lines("""
                [I can see only one booked payment|Only one payment is booked] for {order}. The second entry is a \
                    reservation of {amount} that your bank releases within 3 to 7 days, [without you doing \
                    anything|automatically].
                When a payment fails, the bank still reserves the amount for 3 to 7 days and then [releases it|lets \
                    it go]. We have booked {amount} only once for {order}.
            """),
            details=lines("""
                If it is still there after 7 days, send us a screenshot without the card number.
                You can ask your bank to release it sooner with our reference {order}.
                Please never send us your full card number in the chat.
            """),
            looks_up=True,
        ),
    ),
)

INVOICES = Topic(
    "invoices",
    "invoices",
    weight=4,
    peak_hour=11,
    swing=0.7,
    weekend=0.3,
    intents=(
        Intent(
            asks=lines("""
                [Where can I|How do I|Where do I] [download|find|get] [the invoice|my invoice|a receipt] for [order \
                    {order}|{product}]?
                I [need|require] an invoice [for my tax return|for my employer|for the warranty|with VAT shown] for \
                    {order}.
                [I never received|I didn't get|There was no] invoice for [my order|{order}] [from {past_date}|], \
                    [can you send it again|please e-mail it to me].
            """),
            query="download invoice order {order}",
            fact="Invoices are PDF files under My orders > Details, available as soon as the parcel is sent.",
            answers=lines("""
                You can download the invoice as a PDF under My orders > Details, [as soon as the parcel has left \
                    us|once the order has been shipped]. [For guest orders, use the link in the shipping e-mail.|]
                The invoice for {order} is [in your account|available] under My orders > Details > Invoice (PDF). \
                    It [appears|is made] when the parcel is sent.
            """),
            details=lines("""
                VAT is shown separately on every invoice.
                I can also send it again to the e-mail address of the order.
                Invoices are kept in your account for ten years.
            """),
        ),
        Intent(
            asks=lines("""
                Can you [change|correct|add] the [company name|billing address|VAT number] on the invoice for \
                    {order}[ to {company}|]?
                The invoice for {order} [shows|has] the wrong [name|address|amount|VAT rate]. [How do I get a \
                    corrected one?|Please correct it.]
                Is it possible to [have|get] an invoice [made out to {company}|in English|with our purchase order \
                    number] for {order}?
            """),
            query="[correct|change] invoice data",
            fact="Billing data can be corrected in My orders for 14 days after the invoice; "
            "a new invoice replaces the old one.",
            answers=lines("""
                Within 14 days of the invoice you can correct the billing data yourself: My orders > Details > \
                    [Correct invoice|Edit billing data]. A new PDF then [replaces|cancels] the old one.
                Go to My orders > Details > Correct invoice, enter [the company name or VAT number|the right data], \
                    and you get a new PDF within an hour. This is possible for 14 days.
            """),
            details=lines("""
                After 14 days, our accounts team can still do it; it takes about three days.
                A VAT number is checked with the EU register, which may take a few minutes.
                Purchase order numbers go into the field Reference.
            """),
        ),
    ),
)


TOPICS = (PAYMENT_METHODS, PAYMENT_DECLINED, INVOICES)
