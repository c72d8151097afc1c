import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shortenServices } from './service-text.ts'

const names = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => `edge${from + index}`).join(', ')
const service = (backends: string) => `192.0.2.53/32 tcp 80,443 → ${backends} (gue, check http)`

test('shortenServices() leaves a service of a few backends as it is', () => {
  assert.deepEqual(shortenServices(undefined, service(names(1, 9))), { after: service(names(1, 9)) })
  assert.deepEqual(shortenServices('a b', 'a c'), { before: 'a b', after: 'a c' })
  assert.deepEqual(shortenServices(service(names(1, 3)), undefined), { before: service(names(1, 3)) })
})

test('shortenServices() names some of a thousand backends, and counts the others', () => {
  assert.deepEqual(shortenServices(undefined, service(names(0, 1_000))), {
    after: service(`${names(0, 8)} and 992 more`),
  })
})

test('shortenServices() names backends in which two services differ', () => {
  assert.deepEqual(shortenServices(service(names(0, 1_000)), service(names(2, 1_001))), {
    before: service('edge0, edge1, 998 in both'),
    after: service('edge1000, 998 in both'),
  })
  assert.deepEqual(shortenServices(service(names(0, 20)), service(names(0, 19))), {
    before: service('edge19, 19 in both'),
    after: service('19 in both'),
  })
})
