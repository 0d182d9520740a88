import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 120_000,
    // Two cores: native sessions in parallel files would only fight for them.
    maxWorkers: 2,
  },
})
