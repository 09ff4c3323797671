namespace FineTuneService.Engine.Lora;

/// <summary>An option of an adapter that cannot be used: which, and what to write instead.</summary>
public sealed class LoraOptionException(string option, string message) : ArgumentException(message)
{
    /// <summary>In PEFT's terms: r, lora_alpha, target_modules …</summary>
    public string Option => option;
}
