using System.ComponentModel.DataAnnotations;

namespace FineTuneService.Hub;

/// <summary>Where bases are downloaded from: section FineTune:Hub.</summary>
public sealed class HubOptions
{
    /// <summary>Address of a hub that speaks Hugging Face's paths: the operator's choice, so a private one is allowed.</summary>
    [RegularExpression("https?://[^/?#@]+(/[^?#]*)?", ErrorMessage = "FineTune:Hub:Endpoint must be an address like https://huggingface.co, without a key, a query or a fragment.")]
    public string Endpoint { get; set; } = "https://huggingface.co";

    /// <summary>Access token for gated and private repositories, where a request brings none of its own. Empty: HF_TOKEN of the environment, or none.</summary>
    public string Token { get; set; } = "";

    /// <summary>Largest download of one base, in bytes.</summary>
    [Range(1, long.MaxValue, ErrorMessage = "FineTune:Hub:MaxBytes must be 1 or more.")]
    public long MaxBytes { get; set; } = 512L * 1024 * 1024 * 1024;

    internal string? AnyToken => Token.Length > 0 ? Token : Environment.GetEnvironmentVariable("HF_TOKEN") is { Length: > 0 } token ? token.Trim() : null;
}
