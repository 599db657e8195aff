import threading

import torch

from nodes.models.random_numbers import own_random_numbers


def test_what_was_drawn_within_is_not_seen_outside() -> None:
    before = torch.get_rng_state()
    with own_random_numbers():
        torch.manual_seed(3)
        torch.rand(5)
    assert torch.equal(torch.get_rng_state(), before)


def test_two_threads_that_overlap_leave_the_numbers_as_they_were() -> None:
    """The first to begin ends first: each for itself, the second would put back what the first had drawn."""
    before = torch.get_rng_state()
    first_in, second_in, first_out = threading.Event(), threading.Event(), threading.Event()

    def second() -> None:
        first_in.wait()
        with own_random_numbers():
            second_in.set()
            first_out.wait()

    other = threading.Thread(target=second)
    other.start()
    with own_random_numbers():
        torch.rand(5)
        first_in.set()
        overlapped = second_in.wait(timeout=0.2)
    first_out.set()
    other.join()
    assert not overlapped
    assert torch.equal(torch.get_rng_state(), before)
