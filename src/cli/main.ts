#!/usr/bin/env node
import { processEnvironment } from './environment.ts'
import { exitCodes } from './exit-codes.ts'
import { seawall } from './run.ts'

// Whoever reads the output may have had enough: `seawall rules | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? exitCodes.ok : exitCodes.failed)
})

process.exitCode = await seawall(process.argv.slice(2), processEnvironment())
