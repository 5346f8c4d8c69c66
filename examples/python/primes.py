"""Which of twenty numbers are prime? The larger of ../primes.hpp, without their last three digits."""

from timed_map import timed_map

NUMBERS = [
    2, 142702110479, 299593572301, 3333333333301, 3333333333333, 3333322896121, 4444444444439, 4444444444444,
    4444410263329, 5555491426081, 5555555555551, 5555555555555, 6666666666666, 6666666666629, 6666584572729,
    7777578346561, 7777777777771, 7777777777777, 9999999999971, 9999999999999,
]  # fmt: skip


def is_prime(n):
    if n < 2 or n % 2 == 0:
        return n == 2
    divisor = 3
    while divisor * divisor <= n:
        if n % divisor == 0:
            return False
        divisor += 2
    return True


if __name__ == "__main__":
    answers, elapsed = timed_map(is_prime, sorted(NUMBERS, reverse=True))
    print(f"{sum(answers)} of {len(answers)} numbers are prime. Time : {elapsed:.6f}s")
