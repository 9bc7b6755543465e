"""Painting on several machines: the bot hands jobs over a NATS server. docs/fleet.md describes it.

    subjects     what is sent where, and what a painter's credential allows
    messages     what is sent; `endings` makes them of results and errors
    credentials  the file that proves who somebody is
    link         the way to the server, over one `connection` after another
    pictures     files on their way, in the server's object store
    roster       what the bot knows of the painters
    sketches     what is drawn beside a job
    delivery     one job on its way to a painter and back; `checks` looks at the picture
    dispatch     the bot's side
    painter      the painter's side; `about` is what it says of its machine, `steps` of a painting

`python -m bot painter` runs a painter, `scripts/fleet` prepares the server.
"""
