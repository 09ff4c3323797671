namespace FineTuneService.Engine.Lora;

/// <summary>The names of an adapter's tensors in PEFT's files.</summary>
internal static class PeftKeys
{
    private const string Prefix = "base_model.model.";

    public static string A(string module) => $"{Prefix}{module}.lora_A.weight";

    public static string B(string module) => $"{Prefix}{module}.lora_B.weight";

    public static string BiasOfB(string module) => $"{Prefix}{module}.lora_B.bias";

    public static string Magnitude(string module) => $"{Prefix}{module}.lora_magnitude_vector";

    public static string EmbeddingA(string module) => $"{Prefix}{module}.lora_embedding_A";

    public static string EmbeddingB(string module) => $"{Prefix}{module}.lora_embedding_B";

    public static string Prompt(string module) => $"{Prefix}{module}.adaption_prompt";

    public static string Gate(string module) => $"{Prefix}{module}.adaption_gate";

    public static string Tokens(string module) => $"{Prefix}{module}.token_adapter.trainable_tokens_delta";

    /// <summary>A module's own weight or bias, in an adapter that replaces it.</summary>
    /// <param name="adapted">The module is a target too: PEFT has wrapped it.</param>
    public static string Own(string module, string tensor, bool adapted) => $"{Prefix}{module}{(adapted ? ".base_layer" : "")}.{tensor}";
}
