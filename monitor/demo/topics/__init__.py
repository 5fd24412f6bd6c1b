"""What customers of the shop write about, and what a good assistant answers."""

from monitor.demo.topics import account, business, foreign, orders, payments, products, returns, shipping, vouchers
from monitor.demo.topics.topic import Topic

TOPICS: tuple[Topic, ...] = (
    *orders.TOPICS,
    *shipping.TOPICS,
    *returns.TOPICS,
    *payments.TOPICS,
    *vouchers.TOPICS,
    *account.TOPICS,
    *products.TOPICS,
    *business.TOPICS,
    *foreign.TOPICS,
)
