export type { ApplyOptions, Control, DropOptions, SetChange, Status } from './control.ts'
