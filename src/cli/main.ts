#!/usr/bin/env node
import { processEnvironment } from './environment.ts'
import { seawall } from './run.ts'

process.exitCode = await seawall(process.argv.slice(2), processEnvironment())
