"""CPU time of the 64x model at zoom 6, batch 8, one thread: forward and training step.

The surface's share of a forward pass is the same for all fields of a zoom and is kept by the shipped
models, so it is timed apart; in training it is part of every step.
"""

import time

import numpy as np
import pytest
import torch

from fsae_core.model.autoencoder import AutoencoderConfig, Conditions, FieldSpaceAutoencoder
from fsae_core.model.compression import surface_tensor

pytestmark = [pytest.mark.bench, pytest.mark.quick]


def cpu_ms(run, times: int = 9) -> float:
    run()
    taken = []
    for _ in range(times):
        start = time.process_time()
        run()
        taken.append(time.process_time() - start)
    return 1000 * float(np.median(taken))


def test_cpu_time_of_the_64x_model():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        torch.manual_seed(0)
        network = FieldSpaceAutoencoder(AutoencoderConfig(levels=3))
        x = torch.randn(8, 49152)
        conditions = Conditions(surface_tensor(6, "cpu"))
        optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4)

        def step():
            y, _ = network(x, conditions)
            loss = (y - x).square().mean()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()

        def forward():
            with torch.inference_mode():
                network.decode(network.encode(x, conditions, surface=known), conditions, surface=known)

        network.eval()
        with torch.inference_mode():
            known = network.surfaces(conditions)
            surface = cpu_ms(lambda: network.surfaces(conditions))
        forward_ms = cpu_ms(forward)
        network.train()
        step_ms = cpu_ms(step)
    finally:
        torch.set_num_threads(threads)
    parameters = sum(p.numel() for p in network.parameters())
    print(
        f"64x, zoom 6, batch 8, one thread, attention on, {parameters} parameters: forward "
        f"{forward_ms:.0f} CPU-ms (reach 60), surface once {surface:.0f}, "
        f"training step {step_ms:.0f} CPU-ms (reach 160)"
    )
