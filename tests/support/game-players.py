# Players of a game: game-players.py FLOWS PORT PREFIX, where PREFIX is such as 192.0.2. or 2001:db8::. Each flow is a port here and an address there.
# "join N" has N more join, "play" has all play a round; each says "SERVER COUNT" for every server that answered, as JSON.
import json, socket, sys

flows, port, prefix = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
ADDRESSES = 200
family = socket.AF_INET6 if ':' in prefix else socket.AF_INET
sockets = []
for _ in range(-(-flows // ADDRESSES)):
    one = socket.socket(family, socket.SOCK_DGRAM)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    one.settimeout(5)
    sockets.append(one)
joined = {}  # player → server that took him


def ask(word, player):
    one = sockets[player // ADDRESSES]
    to = f'{prefix}{player % ADDRESSES + 1}'
    one.sendto(f'{word} {player}'.encode(), (to, port))
    reply, (sender, *_) = one.recvfrom(2048)
    server, who = reply.decode().split()
    assert int(who) == player and sender == to, f'{reply} from {sender}, wanted player {player} and {to}'
    return server


print('ready', flush=True)
for line in sys.stdin:
    word, *count = line.split()
    answers = {}
    if word == 'join':
        fresh = range(len(joined), len(joined) + int(count[0]))
        for player in fresh:
            joined[player] = ask('join', player)
            answers[joined[player]] = answers.get(joined[player], 0) + 1
    else:
        for player, server in joined.items():
            found = ask('play', player)
            key = 'kept' if found == server else f'moved from {server} to {found}'
            answers[key] = answers.get(key, 0) + 1
    print(json.dumps(answers), flush=True)
