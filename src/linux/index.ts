/** The operating system around eBPF: network namespaces, interfaces, the BPF file system, capabilities, processes. */
export * from './bpffs.ts'
export * from './capabilities.ts'
export * from './command.ts'
export * from './errors.ts'
export * from './interface.ts'
export * from './netns.ts'
export * from './process.ts'
export * from './sockets.ts'
