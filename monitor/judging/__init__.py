"""The judge in the service: calls drawn from windows that closed, asked about within a budget, kept and measured.

One look (`stage`): draw from what has closed (`drawing`), test the judges themselves (`trusting`), ask what waits
(`asking`, with `items`, `trajectories` and `account`), compare pairs (`pairing`, `comparing`), and of what is complete
step the test for a rise (`rising`, with `accepting`), add to the month (`lasting`), measure (`measuring`) and decide
(`deciding`).
"""
