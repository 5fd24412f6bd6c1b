"""The judge in the service: calls drawn from windows that closed, asked about within a budget, kept and measured.

One look (`stage`): draw from what has closed (`drawing`), ask what waits (`asking`, with `account`), measure what is
complete (`measuring`) and decide on it (`deciding`, `rising`), test the judges themselves (`trusting`), compare pairs
(`comparing`).
"""
