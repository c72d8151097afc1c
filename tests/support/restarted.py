# A server of which several runs follow each other: restarted.py NAME PLACE… with places such as 127.0.0.1:80 or [::1]:80.
# It greets whoever connects with its name and keeps the connection, prints the signals that it gets, and does what lines of its input say:
# "listen PLACE", "notify" (READY=1 to NOTIFY_SOCKET), "pass PATH LABEL" (its sockets to the agent, whose messages it prints from then on), "say TEXT".
import os, selectors, signal, socket, sys

name = sys.argv[1].encode()
selector = selectors.DefaultSelector()
listeners = []
agent = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def listen(place):
    host, port = place.rsplit(':', 1)
    one = socket.socket(socket.AF_INET6 if '[' in host else socket.AF_INET)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if '[' in host:
        one.setsockopt(socket.IPPROTO_IPV6, 78, 1)  # IPV6_FREEBIND
    one.bind((host.strip('[]'), int(port)))
    one.listen()
    listeners.append(one)
    selector.register(one, selectors.EVENT_READ, greet)


def greet(one):
    connection, _ = one.accept()
    connection.sendall(name)
    selector.register(connection, selectors.EVENT_READ, hear)


def hear(connection):
    if not connection.recv(100):
        selector.unregister(connection)
        connection.close()


def obey(line):
    verb, *words = line.split()
    if verb == 'listen':
        listen(*words)
    if verb == 'notify':
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
            one.sendto(b'READY=1', os.environ['NOTIFY_SOCKET'])
    if verb == 'pass':
        agent.connect(words[0])
        socket.send_fds(agent, [words[1].encode()], [one.fileno() for one in listeners])
        selector.register(agent, selectors.EVENT_READ, lambda one: say(one.recv(512).decode()))
    if verb == 'say':
        agent.send(words[0].encode())


def say(text):
    if not text:
        selector.unregister(agent)
    print(text, flush=True)


for number in (signal.SIGQUIT, signal.SIGUSR1, signal.SIGTERM):
    signal.signal(number, lambda got, _: say(signal.Signals(got).name) or (got == signal.SIGTERM and sys.exit()))
for place in sys.argv[2:]:
    listen(place)
selector.register(0, selectors.EVENT_READ, lambda one: [obey(line) for line in os.read(one, 4096).decode().splitlines()])
say('ready')
while True:
    for key, _ in selector.select():
        key.data(key.fileobj)
