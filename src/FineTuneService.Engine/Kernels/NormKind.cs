namespace FineTuneService.Engine.Kernels;

/// <summary>How a norm multiplies by its weight, and where it rounds: bf16 tells them apart.</summary>
public enum NormKind
{
    /// <summary>round(x · rstd) · weight, as Llama.</summary>
    Rms,

    /// <summary>x · rstd · weight, rounded once, as OLMo 2.</summary>
    RmsRoundedLast,

    /// <summary>x · rstd · (1 + weight), rounded once, as Gemma.</summary>
    RmsOnePlus,

    /// <summary>(x - mean) · rstd · weight + bias, https://arxiv.org/abs/1607.06450.</summary>
    Layer,
}
