/**
 * What a configuration is written with: `import { defineConfig } from 'seawall'`.
 *
 * @module
 */
export { defineConfig, type SeawallConfig } from './config/define.ts'
