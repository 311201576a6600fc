"""MongoDB and servers that speak its protocol, through pymongo.

``cursor collection database``   the contract
``errors``   pymongo's errors in our words
``lookup``   ids and names to complete a word
``tools``    mongodump and mongorestore
"""
