#!/usr/bin/env node
import { fileURLToPath } from 'node:url'
import { runCommandLine } from './command-line.ts'

await runCommandLine(process.argv, null, fileURLToPath(import.meta.url))
