"""The topic that the application never saw: a recalled power bank that the shop gave away and has no article about."""

from monitor.demo.topics.topic import Intent, Topic, lines

RECALL = Topic(
    "recall",
    "the power bank",
    weight=0.0,  # its share is set by the story
    intents=(
        Intent(
            asks=lines("""
                [The|My] power bank [I got as a gift|that came free with my order|from your summer promotion] [is \
                    swollen|gets extremely hot|started smoking while charging|bulges on one side]. [Is it \
                    dangerous?|What should I do with it?]
                Is [the power bank|the PowerGo power bank|my free PowerGo] [part of the recall|part of the battery \
                    recall|on the recall list]? The serial number is PG{digits}{digits_other}.
                [I read|I saw on the news|My {relative} told me] that the PowerGo batteries [are being recalled|can \
                    catch fire|explode]. [How do I check mine?|Is mine affected?]
                [How do I|Where can I] [dispose of|hand in|return] the recalled power bank? [The post office won't \
                    take it.|I'm afraid to mail a lithium battery.]
            """),
            query="power bank [recall|battery recall]",
            fact="There is nothing about a recall in the help centre; ask the team.",
            answers=lines("""
                I couldn't find an article about [the power bank|PowerGo] in our help centre. [You can return \
                    items|Items can be returned] within 30 days under My orders > Return.
                [I don't have|There is no] information about a recall of a power bank. If your item is defective, \
                    please start a warranty claim under My orders > Warranty with two photos.
            """),
            details=lines("""
                Please send it to us in the original box.
                Our team can tell you more from Monday to Saturday, 8 to 20.
            """),
        ),
        Intent(
            asks=lines("""
                Can I still [charge my phone with|use] the PowerGo [if it isn't swollen|until the replacement \
                    comes|at night]? [It gets warm on the charger.|]
                My power bank [melted|burned|caught fire] [on the charger|in my bag|on the bedside table] and \
                    [damaged my phone|burnt the table|left a burn mark]. Who [pays|is liable] for that?
                [When do I get|Do I get|Will you send] [a replacement|a refund|compensation] for the recalled \
                    PowerGo [battery pack|power bank]? It was [free|a gift with order {order}].
                The battery of [the free power bank|my PowerGo] [leaks|smells like chemicals|clicks and gets hot], \
                    is it [safe to keep at home|a fire hazard]?
            """),
            query="power bank [overheating|safety]",
            fact="There is nothing about power banks in the help centre.",
            answers=lines("""
                I'm not sure about that. [There is nothing about it in our help centre|I can't find anything about \
                    it], but [electronics|most products] have 3 years of warranty and are repaired within 10 \
                    working days.
                Your order {order} [contains no power bank|doesn't list this item]. If you think something is \
                    missing or wrong, please upload a photo under My orders > Report a problem.
            """),
            details=lines("""
                The replacement leaves our warehouse on the next working day.
                Is there anything else that I can do for you?
            """),
        ),
    ),
)
