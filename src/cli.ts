#!/usr/bin/env node
import { fileURLToPath } from 'node:url'
import { runCommandLine } from './command-line.ts'
import { parts } from './parts.ts'

await runCommandLine(process.argv, parts, fileURLToPath(import.meta.url))
