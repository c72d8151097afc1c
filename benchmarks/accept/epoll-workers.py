# Four processes that answer HTTP: epoll-workers.py shared|exclusive|reuseport|separate PORT MICROSECONDS. They have one listening socket of
# all addresses, each one of a group, or each one of 127.0.0.1 at a port of its own from PORT on. Writes their process ids when all are ready;
# a line on standard input has it write how many connections each has accepted since the last one. Ends with its standard input.
import json, mmap, os, select, signal, socket, struct, sys, time

WORKERS = 4
mode, port, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) / 1e6
accepted = mmap.mmap(-1, 8 * WORKERS)


def listen(host, port):
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if mode == 'reuseport':
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    one.bind((host, port))
    one.listen(4096)
    one.setblocking(False)
    return one


def answer(connection):
    request = connection.recv(4096)
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass
    closes = b'Connection: close' in request
    if request:
        header = b'Connection: close\r\n' if closes else b''
        connection.send(b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n' + header + b'\r\nok')
    return request and not closes


def serve(worker, listener):
    epoll, connections = select.epoll(), {}
    epoll.register(listener, select.EPOLLIN | (select.EPOLLEXCLUSIVE if mode == 'exclusive' else 0))
    while True:
        for fd, _ in epoll.poll():
            try:
                if fd == listener.fileno():
                    connection, _ = listener.accept()
                    connections[connection.fileno()] = connection
                    epoll.register(connection, select.EPOLLIN)
                    count, = struct.unpack_from('Q', accepted, worker * 8)
                    struct.pack_into('Q', accepted, worker * 8, count + 1)
                elif not answer(connections[fd]):
                    connections.pop(fd).close()
            except BlockingIOError:
                pass  # another worker was faster
            except ConnectionError:
                connections.pop(fd).close()


if mode == 'separate':
    listeners = [listen('127.0.0.1', port + worker) for worker in range(WORKERS)]
elif mode == 'reuseport':
    listeners = [listen('', port) for _ in range(WORKERS)]
else:
    listeners = [listen('', port)] * WORKERS
children = []
for worker, listener in enumerate(listeners):
    child = os.fork()
    if child == 0:
        for other in listeners:
            if other is not listener:
                other.close()
        try:
            serve(worker, listener)
        finally:
            os._exit(1)
    children.append(child)
for listener in listeners:
    listener.close()
print(json.dumps(children), flush=True)
while sys.stdin.readline():
    print(json.dumps(struct.unpack(f'{WORKERS}Q', accepted)), flush=True)
    accepted[:] = bytes(8 * WORKERS)
for child in children:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
