import koffi from 'koffi'

/** The calls of libbpf 1.1 that stand for one bpf(2) each. All return the negated errno when they fail. */
const library = koffi.load('libbpf.so.1')

type Bytes = Uint8Array | null

interface Call<Arguments extends unknown[]> {
  (...args: Arguments): number
  async(...args: [...Arguments, (error: Error | null, result: number) => void]): void
}

function declare<Arguments extends unknown[]>(definition: string): Call<Arguments> {
  return library.func(definition) as unknown as Call<Arguments>
}

export const possibleCpus = declare<[]>('int libbpf_num_possible_cpus()')

export const mapCreate = declare<[number, string, number, number, number, Bytes]>(
  'int bpf_map_create(int type, const char *name, uint32_t key, uint32_t value, uint32_t entries, void *opts)',
)
export const mapLookup = declare<[number, Uint8Array, Uint8Array]>(
  'int bpf_map_lookup_elem(int fd, const void *key, void *value)',
)
export const mapUpdate = declare<[number, Uint8Array, Uint8Array, number]>(
  'int bpf_map_update_elem(int fd, const void *key, const void *value, uint64_t flags)',
)
export const mapDelete = declare<[number, Uint8Array]>('int bpf_map_delete_elem(int fd, const void *key)')
export const mapNextKey = declare<[number, Bytes, Uint8Array]>(
  'int bpf_map_get_next_key(int fd, const void *key, void *next)',
)
export const mapFreeze = declare<[number]>('int bpf_map_freeze(int fd)')
export const mapLookupBatch = declare<[number, Bytes, Uint8Array, Uint8Array, Uint8Array, Uint8Array, Bytes]>(
  'int bpf_map_lookup_batch(int fd, void *in, void *out, void *keys, void *values, void *count, void *opts)',
)
export const mapUpdateBatch = declare<[number, Uint8Array, Uint8Array, Uint8Array, Bytes]>(
  'int bpf_map_update_batch(int fd, const void *keys, const void *values, void *count, void *opts)',
)
export const mapDeleteBatch = declare<[number, Uint8Array, Uint8Array, Bytes]>(
  'int bpf_map_delete_batch(int fd, const void *keys, void *count, void *opts)',
)

export const programLoad = declare<[number, string, string, Uint8Array, number, Bytes]>(
  'int bpf_prog_load(int type, const char *name, const char *license, const void *insns, size_t count, void *opts)',
)
export const programTestRun = declare<[number, Uint8Array]>('int bpf_prog_test_run_opts(int fd, void *opts)')

export const objectPin = declare<[number, string]>('int bpf_obj_pin(int fd, const char *path)')
export const objectGet = declare<[string]>('int bpf_obj_get(const char *path)')
export const objectInfo = declare<[number, Uint8Array, Uint8Array]>(
  'int bpf_obj_get_info_by_fd(int fd, void *info, void *size)',
)
export const mapById = declare<[number]>('int bpf_map_get_fd_by_id(uint32_t id)')
export const programById = declare<[number]>('int bpf_prog_get_fd_by_id(uint32_t id)')

export const linkCreate = declare<[number, number, number, Bytes]>(
  'int bpf_link_create(int program, int target, int type, void *opts)',
)
export const linkUpdate = declare<[number, number, Bytes]>('int bpf_link_update(int link, int program, void *opts)')
export const linkDetach = declare<[number]>('int bpf_link_detach(int link)')

export const iterCreate = declare<[number]>('int bpf_iter_create(int link)')
export const rawTracepointOpen = declare<[string, number]>('int bpf_raw_tracepoint_open(const char *name, int program)')
export const programAttach = declare<[number, number, number, number]>(
  'int bpf_prog_attach(int program, int target, int type, unsigned int flags)',
)
export const programDetach = declare<[number, number, number]>(
  'int bpf_prog_detach2(int program, int target, int type)',
)

/** Each gives 1 for yes, 0 for no, or a negated errno when it cannot tell. */
export const probeMap = declare<[number, Bytes]>('int libbpf_probe_bpf_map_type(int type, const void *opts)')
export const probeProgram = declare<[number, Bytes]>('int libbpf_probe_bpf_prog_type(int type, const void *opts)')

/** Arguments of calls that run on other threads at this moment, kept from the garbage collector. */
const inFlight = new Set<readonly unknown[]>()

/** A call on a thread of libuv's pool; the event loop goes on. */
export function onThread<Arguments extends unknown[]>(call: Call<Arguments>, ...args: Arguments): Promise<number> {
  inFlight.add(args)
  return new Promise((resolve, reject) => {
    call.async(...args, (error, result) => {
      inFlight.delete(args)
      if (error === null) resolve(result)
      else reject(error)
    })
  })
}
