"""Many texts and many recordings, in one call: resumable, within the plan's units, on one machine or on a cluster.

::

    units         how many requests an account has under way at once
    items         what is to be done, and what was made of it
    rows          texts, tables and files of rows as items
    sounds        patterns, folders and lists of sounds as items
    places        folders of this machine and of fsspec's stores
    folder_lock   two runs on one folder refuse each other
    manifest      what a folder holds: a line for each finished item
    store         writes outputs whole, and their lines
    services      open services, kept from item to item
    speaking      one text into files
    transcribing  one sound into files
    runner        all items: attempts, errors, order
    results       what became of each item, as a table
    meter         the progress bar and the summary
    many          the public calls
    sweep         a product of settings
    cluster       the same on the workers of a Dask cluster
    command       the commands of a terminal
"""
