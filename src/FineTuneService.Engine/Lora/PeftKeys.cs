namespace FineTuneService.Engine.Lora;

/// <summary>The names of an adapter's tensors in PEFT's files.</summary>
internal static class PeftKeys
{
    private const string Prefix = "base_model.model.";

    public static string A(string module) => $"{Prefix}{module}.lora_A.weight";

    public static string B(string module) => $"{Prefix}{module}.lora_B.weight";
}
