"""The customer's account: password, data, newsletter, points, app."""

from monitor.demo.topics.topic import Intent, Topic, lines

PASSWORD = Topic(
    "password",
    "signing in",
    weight=5,
    peak_hour=9,
    intents=(
        Intent(
            asks=lines("""
                [I forgot my password|I can't remember my password], [how do I reset it|what now|please help].
                [How do I|How can I|Where can I] [reset|change] my password [in the app|on the website|]?
                [I don't get|I never receive|There is no] [the reset e-mail|password reset mail|e-mail to reset my \
                    password], [I checked spam|I tried three times].
                The [password reset link|link in the e-mail] [has expired|is invalid|leads to an error], [what do I \
                    do|can you send a new one]?
            """),
            query="[reset|forgot] password",
            fact='Choose "Forgot password" on the sign-in page; '
            "the link is valid for 30 minutes and only the newest one works.",
            answers=lines("""
                Choose "Forgot password" on the sign-in page and [enter your e-mail address|type in your e-mail]. \
                    The link we send is valid for 30 minutes, and only the newest one works.
                You can set a new password with [the link "Forgot password"|"Forgot password"] on the sign-in page. \
                    [The e-mail comes within 5 minutes|It arrives within a few minutes]; use the newest link, it \
                    expires after 30 minutes.
            """),
            details=lines("""
                If no e-mail arrives, the account may run under another address; look at your last order confirmation.
                A password needs at least 10 characters.
                Some mail providers hold our messages back for up to an hour.
            """),
        ),
        Intent(
            asks=lines("""
                [I can't|I'm unable to] [log in|sign in|get into my account] [since {weekday}|any more|on my \
                    phone|]. [It says the account is locked.|It says wrong password but it's right.|]
                My account [is locked|was blocked|has been suspended] [after too many attempts|without a reason|]. \
                    [How do I unlock it?|Please unlock it.]
                I'm not getting the [login code|SMS code|verification code|two-factor code] [on my phone|since I \
                    have a new number|]. [What can I do?|]
                [I think|It looks like] [someone hacked my account|somebody else is using my account], there's an \
                    order [I never made|to {city}]!
            """),
            query="[cannot sign in|account locked]",
            fact="After 5 wrong attempts an account is locked for 30 minutes; "
            "resetting the password unlocks it at once.",
            answers=lines("""
                After 5 wrong attempts an account is locked for 30 minutes. [You can unlock it at once|It is \
                    unlocked right away] by resetting your password with "Forgot password".
                The lock goes away by itself after 30 minutes; [if you don't want to wait|to get in sooner], reset \
                    your password, which unlocks the account immediately.
            """),
            details=lines("""
                If you see orders that aren't yours, change the password now and tell us the order numbers; we stop \
                    them.
                If your phone number has changed, use one of the backup codes from your account settings.
                On a shared network too many tries of other people can count as well.
            """),
        ),
    ),
)

ACCOUNT_DATA = Topic(
    "account_data",
    "account data and privacy",
    weight=3,
    peak_hour=13,
    intents=(
        Intent(
            asks=lines("""
                [How do I|Where can I|Can I] [change|update] my [e-mail address|phone number|name|address] [in my \
                    account|]? [I got married.|I have a new one.|]
                [Can you|Please] change [the e-mail|the name] of my account to {name}.
                I have two accounts, [can they be merged|can you merge them] [so that I keep my points|]?
            """),
            query="change [account data|my data]",
            fact="Name, address and phone are changed under Account > My data; "
            "a new e-mail must be confirmed within 24 hours.",
            answers=lines("""
                You can [change|edit] all of it under Account > My data. A new e-mail address becomes active once \
                    you [click the link we send there|confirm it] within 24 hours.
                Open Account > My data and [save the new details|enter your new data]. For a new e-mail address \
                    you'll get a confirmation link, which is valid for 24 hours.
            """),
            details=lines("""
                Orders that are already placed keep the old address.
                Two accounts can be merged by us; please tell us both e-mail addresses.
                Your points stay with you.
            """),
        ),
        Intent(
            asks=lines("""
                [I'd like to|I want to|Please] [delete|close] my account [and all my data|permanently|]. [I don't \
                    shop here any more.|]
                [Under GDPR|By law] I [can ask for|want] [a copy of all data you have about me|all that you store \
                    about me].
                [Do you|Why do you] [share|sell] my [data|e-mail address] [with third parties|with advertisers]?
            """),
            query="[privacy delete account|personal data request GDPR]",
            fact="Delete or export your data under Account > Privacy; "
            "deletion takes 14 days and invoices are kept by law.",
            answers=lines("""
                Under Account > Privacy you can [delete your account|have everything deleted] or export your data. \
                    Deletion is done within 14 days; only invoices are kept for ten years because the law demands it.
                You'll find both under Account > Privacy: "Export my data" [sends you a ZIP file|mails a copy] \
                    within 72 hours, and "Delete account" removes everything within 14 days, except for invoices.
            """),
            details=lines("""
                Points and vouchers are lost when an account is deleted.
                We don't sell data; carriers only get what they need for a delivery.
                Our data protection officer can be reached at privacy@acme.example.
            """),
        ),
    ),
)

NEWSLETTER = Topic(
    "newsletter",
    "the newsletter",
    weight=2,
    peak_hour=10,
    intents=(
        Intent(
            asks=lines("""
                [How do I|How can I|Where do I] [unsubscribe|sign off] from [your newsletter|your e-mails|these \
                    marketing mails]?
                I [unsubscribed|signed off] {weeks_few} times and [still get|I keep getting] [your \
                    newsletter|e-mails about sales]. [Stop it!|]
                I signed up for the newsletter but [the welcome voucher|the 10 euro code|the confirmation] [never \
                    came|didn't arrive].
                Can I get [fewer|less] e-mails [from you|], [only about sales|maybe once a month]?
            """),
            query="newsletter [settings|subscription]",
            fact="Unsubscribe with the link at the end of each newsletter or under Account > Messages; "
            "it takes up to 48 hours.",
            answers=lines("""
                Click "Unsubscribe" at the end of any newsletter, or switch it off under Account > Messages. [It \
                    takes up to 48 hours|Mails may still come for 48 hours] because some are already on their way.
                Under Account > Messages you can [stop the newsletter|unsubscribe] or choose "monthly". The change \
                    [is active|takes effect] within 48 hours.
            """),
            details=lines("""
                The welcome voucher is sent after you confirm your address; please check your spam folder.
                Order e-mails are still sent, because you need them for returns.
                If you have two addresses with us, both have to be unsubscribed.
            """),
        ),
    ),
)

POINTS = Topic(
    "points",
    "the points programme",
    weight=4,
    peak_hour=19,
    weekend=1.1,
    intents=(
        Intent(
            asks=lines("""
                [How many points do I have|What are my points worth|How many bonus points are in my account], and \
                    [when do they expire|how do I use them]?
                My [bonus points|points] [for order {order}|from {past_date}] [are missing|weren't added|have \
                    disappeared].
                How do I [become a gold member|get gold status] [with {points} points|], and what [are the \
                    benefits|do I get for it]?
                Can I [use|redeem] my {points} points [for {product}|in a store|to pay for shipping]?
            """),
            query="[bonus points|points programme] rules",
            fact="1 euro gives 1 point, 100 points are worth 3 euros; "
            "points are credited after 30 days and expire after 2 years.",
            answers=lines("""
                You get 1 point per euro, and 100 points are worth 3 euros at checkout. Points [are added|appear] \
                    30 days after delivery, [when the return window is over|because you could still return things], \
                    and expire after 2 years.
                Points are credited 30 days after delivery and stay valid for 2 years. 100 points are worth 3 \
                    euros, which you can [use at checkout|redeem] in steps of 100.
            """),
            details=lines("""
                Gold status comes with 500 points a year and includes free shipping and early access to sales.
                Your balance is shown under Account > Points.
                In stores, show the barcode in the app to collect or redeem points.
            """),
        ),
    ),
)

APP = Topic(
    "app",
    "the app and the website",
    weight=3,
    peak_hour=21,
    swing=0.3,
    weekend=1.2,
    intents=(
        Intent(
            asks=lines("""
                [The app|Your app|The Acme app] [crashes|freezes|closes] [when I open the basket|on start|when I \
                    scan a barcode|every time] on my {phone}.
                [Your website|The page|The shop] [is super slow|doesn't load|shows an error 500] in {browser}. [Is \
                    it down?|]
                [I can't|The app won't let me] [add {product} to the basket|see my orders|upload a photo|change the \
                    language] [on {phone}|in {browser}|].
                [After the update|Since the last update] the app [is in {language}|asks me to log in every \
                    time|shows no prices]. [How do I fix that?|]
            """),
            query="app [problem|error]",
            fact="Update to app version 5.4 and clear the app's cache; "
            "this fixes the crashes that are known at the moment.",
            answers=lines("""
                Please update to version 5.4 and [clear the app's cache|empty the cache in the phone's settings]: \
                    [this solves|that fixes] the crashes that we know of, also on the {phone}.
                [A known problem|This] is fixed in app version 5.4. Update it, then clear the cache under Settings \
                    > Apps > Acme > Storage. In {browser}, [try a private window|reload with an empty cache].
            """),
            details=lines("""
                Your basket is stored in your account, so nothing gets lost.
                If it still happens, send us the diagnosis ID under Settings > About.
                The website works best with the last two versions of your browser.
            """),
        ),
    ),
)

TOPICS = (PASSWORD, ACCOUNT_DATA, NEWSLETTER, POINTS, APP)
