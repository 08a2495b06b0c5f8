"""Starts LocalStack in this process: ``python -m pims_localstack.launch``.

LocalStack 4.14 ignores the host in GATEWAY_LISTEN for IPv4 and listens on all
interfaces, where anybody could create a function, which is to run a program on
this machine. Here the host is passed on to the listener.
"""


def listen_where_told():
    """Makes every IPv4 listener on a port of GATEWAY_LISTEN bind that entry's host only."""
    from localstack import config
    from twisted.internet import endpoints

    hosts = {entry.port: entry.host for entry in config.GATEWAY_LISTEN}
    listener = endpoints.TCP4ServerEndpoint

    def on_host(reactor, port, **options):
        options.setdefault("interface", hosts.get(port, "127.0.0.1"))
        return listener(reactor, port, **options)

    endpoints.TCP4ServerEndpoint = on_host


if __name__ == "__main__":
    listen_where_told()
    from localstack.runtime.main import main

    main()
