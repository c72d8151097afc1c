// Takes the place of tsx in a machine: sources were compiled with the snapshot, because here that takes twenty times as long.
import { register } from 'node:module'

register('./hooks.js', import.meta.url)
