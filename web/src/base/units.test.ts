import { expect, test } from 'vitest'
import { bytes, digits, duration, moment, percent, ticks } from './units'

test('durations have three digits and a unit', () => {
  expect([0, 1, 999, 1234, 12_345_678, 3.6e12].map(duration)).toEqual(
    ['0 s', '1 ns', '999 ns', '1.23 µs', '12.3 ms', '3600 s'])
  expect(duration(NaN)).toBe('-')
})

test('missing bytes are a dash', () => {
  expect([0, 1500, NaN].map(bytes)).toEqual(['-', '1.50 kB', '-'])
})

test('shares and numbers keep three digits', () => {
  expect(percent(0.1234)).toBe('12.3%')
  expect(digits(1234)).toBe('1234')
})

test('marks of an axis are round and within it', () => {
  expect(ticks(0, 1000, 5)).toEqual([0, 200, 400, 600, 800, 1000])
  expect(ticks(13, 14, 10)).toEqual([13, 14])
})

test('a time on the axis has the digits that the step needs', () => {
  expect(moment(1_230_000, 10_000)).toBe('1.23 ms')
  expect(moment(2e9, 1e9)).toBe('2 s')
})
