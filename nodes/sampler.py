"""The sampler: noise becomes a clip, step by step."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from kinograph import Conditioning, DiffusionModel, Field, Latent, NodeContext, Widget, node
from nodes.denoising import Batching, Settings, SolverName, denoise, sampled_facts

OWN = "the model's own"
Steps = Annotated[int | None, Field(ge=1, le=1000), Widget(placeholder=OWN)]
GuidanceScale = Annotated[float | None, Field(ge=0.0, le=100.0), Widget(step=0.5, placeholder=OWN)]
Shift = Annotated[float | None, Field(gt=0.0, le=100.0), Widget(step=0.5, placeholder=OWN, advanced=True)]
Share = Annotated[float, Field(ge=0.0, le=1.0), Widget(kind="slider", step=0.05, advanced=True)]


@node(
    "DiTSampler",
    category="sampling",
    title="DiT Sampler",
    keywords=("ksampler", "denoise", "diffusion", "steps", "guidance", "cfg", "euler", "unipc", "dpm"),
    lane="device",
    infer=sampled_facts,
)
def dit_sampler(
    context: NodeContext,
    model: DiffusionModel,
    positive: Conditioning,
    latent: Latent,
    negative: Conditioning | None = None,
    steps: Steps = None,
    guidance: GuidanceScale = None,
    solver: SolverName = "auto",
    shift: Shift = None,
    guidance_low: Share = 0.0,
    guidance_high: Share = 1.0,
    guidance_rescale: Share = 0.0,
    guidance_batching: Annotated[Batching, Widget(advanced=True)] = "auto",
    eta: Share = 1.0,
) -> Latent:
    """Denoise a latent with a diffusion transformer: from its noise level down to a clean clip.

    Integrates ``dx / dsigma = velocity`` (rectified flow, arXiv:2209.03003) from ``latent.sigma`` to 0.
    Pure noise (NoiseLatent) gives a new clip, a clip partly noised (AddNoise) a variation of it. Takes and
    returns ``samples [B, C, t, h, w]`` float32; the same inputs give the same bits on the same kind of
    device.

    A long run keeps checkpoints: after a crash it continues where it was, with an identical result.

    Args:
        model: the transformer.
        positive: what the clip shows.
        latent: noise, or a clip partly noised.
        negative: what the clip should not show. Without it guidance pushes away from the empty prompt.
        steps: number of steps. All are taken, also from a lower noise level. Empty: the model's own (Mini
            20).
        guidance: scale of classifier-free guidance (arXiv:2207.12598); 1 switches it off and halves the time.
            Empty: the model's own (Mini 6).
        solver: euler (order 1), heun (order 2, two evaluations per step), dpmpp_2m (arXiv:2211.01095, order
            2), unipc (arXiv:2302.04867, order 2 with corrector), euler_ancestral (adds fresh noise at each
            step). auto: the model's own.
        shift: above 1 spends more steps at high noise (arXiv:2403.03206). Empty: the model's own (Mini 1).
        guidance_low: guidance acts from this noise level up (arXiv:2404.07724); steps below cost half.
        guidance_high: guidance acts up to this noise level.
        guidance_rescale: 0 to 1, against over-saturation at high guidance (arXiv:2305.08891).
        guidance_batching: evaluate both prompts together, in a batch of twice the size, or one by one, with
            less memory. Same result up to rounding. auto: as the model's own pipeline does.
        eta: how much fresh noise euler_ancestral adds; 0 is euler.
    """
    settings = Settings(
        steps=steps,
        guidance=guidance,
        solver=solver,
        shift=shift,
        guidance_low=guidance_low,
        guidance_high=guidance_high,
        rescale=guidance_rescale,
        batching=guidance_batching,
        eta=eta,
    )
    samples = latent.samples
    for state in denoise(context, model, positive, latent, negative, settings):
        samples = state.latent
    return replace(latent, samples=samples, sigma=0.0, clean=None)
