# A server that restarts as those of udpgrm do: udpgrm-server.py NAME ADDRESS PORT [key=value…]. It opens sockets, joins the generation behind
# the one that works, has that work once all of them are registered, and answers by its name. Keys: sockets, dissector, timeout, filter, generation,
# work=no, and wait: with wait=no the generation works without waiting, and with wait=never the server only asks. Writes what it has become.
# A line on standard input is a call, whose answer is written.
import errno, json, select, socket, struct, sys, time

UDP = socket.IPPROTO_UDP
WORKING_GEN, SOCKET_GEN, DISSECTOR, FLOW_ASSURE, SOCKET_APP = range(200, 205)
NOWHERE = 0xFFFFFFFF
name, host, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
keys = dict(one.split('=') for one in sys.argv[4:])
family = socket.AF_INET6 if ':' in host else socket.AF_INET


def open_socket():
    one = socket.socket(family, socket.SOCK_DGRAM)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if family == socket.AF_INET6:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if host == '::' else 1)
        one.setsockopt(socket.IPPROTO_IPV6, 78, 1)  # IPV6_FREEBIND
    one.bind((host, port))
    return one


def place_of(one):
    return struct.unpack('II', one.getsockopt(UDP, SOCKET_GEN, 8))


def wait_for_places(all_sockets):
    for attempt in range(12):
        places = [place_of(one) for one in all_sockets]
        if all(index != NOWHERE for _, index in places):
            return places
        time.sleep(0.005 * 2**attempt)
    sys.exit(f'{name}: not registered: {places}')


def retrying(call):
    for attempt in range(12):
        try:
            return call()
        except BlockingIOError:
            time.sleep(0.005 * 2**attempt)
    sys.exit(f'{name}: EAGAIN')


def address_of(text):
    client, client_port = text.split()
    if ':' in client:
        return struct.pack('=HHI16sI', socket.AF_INET6, socket.htons(int(client_port)), 0, socket.inet_pton(socket.AF_INET6, client), 0)
    return struct.pack('=HH4s8x', socket.AF_INET, socket.htons(int(client_port)), socket.inet_aton(client))


def answer(line):
    what, _, rest = line.strip().partition(' ')
    first = sockets[0]
    if what == 'assure':
        return first.setsockopt(UDP, FLOW_ASSURE, address_of(rest))
    if what == 'work':
        return first.setsockopt(UDP, WORKING_GEN, int(rest))
    if what == 'join':
        return first.setsockopt(UDP, SOCKET_GEN, int(rest))
    if what == 'working':
        return first.getsockopt(UDP, WORKING_GEN)
    if what == 'cookies':
        return [struct.unpack('IIHH', one.getsockopt(UDP, SOCKET_GEN, 12))[2] for one in sockets]
    if what == 'place':
        return place_of(first)
    if what == 'silent':
        global silent
        silent = True
        return None
    raise ValueError(line)


def said(line):
    try:
        return answer(line)
    except OSError as error:
        return errno.errorcode[error.errno]


silent = False
sockets = [open_socket() for _ in range(int(keys.get('sockets', 1)))]
if 'filter' in keys:
    instructions = [tuple(int(word) for word in one.split('/')) for one in keys['filter'].split(',')]
    program = b''.join(struct.pack('HBBI', *one) for one in instructions)
    sockets[0].setsockopt(UDP, DISSECTOR, struct.pack('IIII100sI256s', 1, 0, 0, 0, b'', len(instructions), program))
if 'dissector' in keys:
    sockets[0].setsockopt(UDP, DISSECTOR, struct.pack('II', int(keys['dissector']), int(keys.get('timeout', 0))))
generation = int(keys['generation']) if 'generation' in keys else sockets[0].getsockopt(UDP, WORKING_GEN) + 1
for one in sockets:
    retrying(lambda: one.setsockopt(UDP, SOCKET_GEN, generation))
if keys.get('wait') == 'never':
    print(json.dumps('asked'), flush=True)
else:
    if keys.get('wait') != 'no':
        wait_for_places(sockets)
    if keys.get('work') != 'no':
        retrying(lambda: sockets[0].setsockopt(UDP, WORKING_GEN, generation))
    places = wait_for_places(sockets)
    print(json.dumps({'working': sockets[0].getsockopt(UDP, WORKING_GEN), 'places': places}), flush=True)
while True:
    ready, _, _ = select.select([*sockets, sys.stdin], [], [])
    if sys.stdin in ready:
        line = sys.stdin.readline()
        if not line:
            break
        print(json.dumps(said(line)), flush=True)
    for one in ready:
        if one is sys.stdin:
            continue
        _, client = one.recvfrom(2048)
        if not silent:
            one.sendto(name.encode(), client)
