using System.Text.Json;
using FineTuneService.Hosting;

namespace FineTuneService.FineTuningJobs;

/// <summary>What adapter_config.json holds beside, so that one can be given as it is: it says where an adapter comes from, or asks for nothing here.</summary>
public abstract record PeftFields
{
    /// <summary>LORA. The technique llama_adapter is PEFT's ADAPTION_PROMPT.</summary>
    public string? PeftType { get; init; }

    /// <summary>CAUSAL_LM.</summary>
    public string? TaskType { get; init; }

    /// <summary>PEFT's note of the base; a job's base is its model.</summary>
    public string? BaseModelNameOrPath { get; init; }

    /// <summary>Null or main: a job's base is as it was registered.</summary>
    public string? Revision { get; init; }

    /// <summary>PEFT's note of itself.</summary>
    public string? PeftVersion { get; init; }

    /// <summary>PEFT's note of the base's class.</summary>
    public JsonElement? AutoMapping { get; init; }

    /// <summary>Says nothing: a job's adapter is trained.</summary>
    public bool? InferenceMode { get; init; }

    /// <summary>Says nothing: it is as the base stores its weights.</summary>
    public bool? FanInFanOut { get; init; }

    /// <summary>False: what is trained of tied embeddings stays apart.</summary>
    public bool? EnsureWeightTying { get; init; }

    /// <summary>Says nothing without megatron_config.</summary>
    public string? MegatronCore { get; init; }

    /// <summary>Says nothing without use_qalora.</summary>
    public int? QaloraGroupSize { get; init; }
    public NotBuilt? AloraInvocationTokens { get; init; }
    public NotBuilt? ArrowConfig { get; init; }
    public NotBuilt? CordaConfig { get; init; }
    public NotBuilt? EvaConfig { get; init; }
    public NotBuilt? KasaConfig { get; init; }
    public NotBuilt? LayerReplication { get; init; }
    public NotBuilt? LoftqConfig { get; init; }
    public NotBuilt? LoraGaConfig { get; init; }
    public NotBuilt? MegatronConfig { get; init; }
    public NotBuilt? MontecloraConfig { get; init; }
    public NotBuilt? RuntimeConfig { get; init; }
    public NotBuilt? UseBdlora { get; init; }
    public NotBuilt? UseQalora { get; init; }
    public NotBuilt? VeloraConfig { get; init; }
}
