using FineTuneService.Hosting;

namespace FineTuneService.FineTuningJobs;

/// <summary>What a job trains: low-rank matrices, LLaMA-Adapter's prompts, or every weight of a private copy of the base.</summary>
internal static class JobTechnique
{
    public const string Lora = "lora", Full = "full", LlamaAdapter = "llama_adapter";

    private const int LongestPrompt = 1024;

    public static readonly IReadOnlyList<string> Names = [Lora, Full, LlamaAdapter];

    /// <summary>The learning rate where none is asked for: each technique's usual one.</summary>
    public static double UsualRate(string technique) => technique switch { Full => 3e-5, LlamaAdapter => 9e-3, _ => 2e-4 };

    public static JobBodyProblem? Problem(CreateJobRequest body)
    {
        string technique = body.Technique ?? Lora;
        if (!Names.Contains(technique)) return new("technique", $"there is no technique '{Errors.Clip(technique)}'; use {string.Join(", ", Names)}");
        if (technique != Lora && body.Lora is not null) return new("lora", $"technique {technique} has no low-rank matrices; leave lora out");
        if (technique != LlamaAdapter && body.LlamaAdapter is not null) return new("llama_adapter", $"llama_adapter says nothing to technique {technique}; give technique llama_adapter");
        if (body.LlamaAdapter?.AdapterLen is < 1 or > LongestPrompt) return new("llama_adapter.adapter_len", $"adapter_len must be 1 to {LongestPrompt}; 10 is usual");
        if (body.LlamaAdapter?.AdapterLayers is < 1) return new("llama_adapter.adapter_layers", "adapter_layers must be 1 or more: so many layers, counted from the last");
        return technique == Full ? FullProblem(body) : null;
    }

    private static JobBodyProblem? FullProblem(CreateJobRequest body)
    {
        if (body.Quantization is { Type: not "none" }) return new("quantization.type", "full training changes the weights themselves, which must not be quantised; leave quantization out");
        if (body.BaseDtype == "fp16") return new("base_dtype", "full training is in fp32 or bf16; leave base_dtype out");
        if (body.Method?.Type == "dpo") return new("method.type", "dpo compares with the base, which full training changes; use technique lora");
        return body.InitFrom is null ? null : new("init_from", "full training begins at the base; leave init_from out");
    }
}
