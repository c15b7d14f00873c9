import { defineConfig } from 'vitest/config'

/**
 * unit: no sockets, virtual clock · integration: real redis-server and clients · tidy: the house as a
 * test · chaos, long: by their own scripts (`npm run test:chaos`, `npm run test:long`).
 */
const base = { environment: 'node', pool: 'forks', retry: 0 } as const

export default defineConfig({
  test: {
    passWithNoTests: false,
    retry: 0,
    // Two cores: more files at once only make the timing of real servers worse.
    maxWorkers: 2,
    projects: [
      {
        test: {
          ...base,
          name: 'unit',
          include: ['test/unit/**/*.test.ts', 'test/regression/unit/**/*.test.ts'],
          testTimeout: 10_000,
        },
      },
      {
        test: { ...base, name: 'tidy', include: ['test/tidy/**/*.test.ts'], testTimeout: 60_000 },
      },
      {
        test: {
          ...base,
          name: 'integration',
          include: ['test/integration/**/*.test.ts', 'test/e2e/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          ...base,
          name: 'chaos',
          include: ['test/chaos/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          ...base,
          name: 'long',
          include: ['test/long/**/*.test.ts'],
          testTimeout: 1_800_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
