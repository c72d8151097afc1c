export type { Attachment, FilterAttachment, FilterPlace } from './attachment.ts'
export { bytes, type Codec, decode, encode, U32, U64 } from './codec.ts'
export { readBytes, readList, readText, writeBytes, writeList, writeText } from './codec-parts.ts'
export { BpfError, type BpfErrorCode, UnsupportedError, VerifierError } from './errors.ts'
export { Events } from './events.ts'
export { features, kernelFeatures, requireFeature } from './features.ts'
export { GlobalVariable } from './global-variable.ts'
export { type Instruction, instruction } from './instruction.ts'
export {
  ATTACH_TYPES,
  type AttachType,
  MAP_KINDS,
  MapFlag,
  type MapKind,
  PROGRAM_TYPES,
  type ProgramType,
} from './kinds.ts'
export { type Attachable, Link, type LinkInfo, type TcxDirection, type XdpMode } from './link.ts'
export { type Loaded, type LoadOptions, load, type MapHandle } from './load.ts'
export { BpfMap, cpuCount, type MapDefinition, Update } from './map.ts'
export type { MapBatch } from './map-batch.ts'
export { BpfObject, type ObjectOptions } from './object.ts'
export { type ClassicInstruction, compilePcapFilter } from './pcap-filter.ts'
export { Program } from './program.ts'
export type { ProgramDefinition } from './program-load.ts'
export {
  type ListenOptions,
  type RecordReader,
  type RecordsOptions,
  RingBuffer,
  type RingListener,
} from './ring-buffer.ts'
export type { EventsSpec, MapSpec, ObjectSpec, ProgramSpec, RawMapSpec, VariableSpec } from './spec.ts'
export type { TestRunOptions, TestRunResult } from './test-run.ts'
export { TypedMap, typed } from './typed-map.ts'
