"""Notifications: what people are told of the log, by which channel, how soon, and what happens if nobody answers.

    notices       which events make a notice, for whom, in which words
    preferences   what each person wants
    deliveries    when notices leave the app, and which leave together
    messages      what leaves, in words
    alerts        errors that somebody must acknowledge, and their escalation

Pure: reading the log, storing and sending are services and adapters.
"""
