using System.Text.Json;
using System.Text.Json.Serialization;

namespace FineTuneService.Receipts;

/// <summary>
/// What an adapter was made of, signed: with the same base, data, settings and code on a machine of the same kind, the same bytes come out.
/// It lies in the adapter's folder, and travels with it.
/// </summary>
/// <param name="Settings">The job's, with no "auto" left.</param>
/// <param name="Steps">Optimizer steps of the adapter.</param>
public sealed record Receipt(
    string Object, int Version, string Job, string Model, long CreatedAt, ReceiptAdapter Adapter, ReceiptBase Base, ReceiptData Data, ReceiptCode Code, ReceiptMachine Machine,
    JsonElement Settings, ulong Seed, int Steps, ReceiptSignature? Signature = null)
{
    public const string Kind = "adapter.receipt";
    public const string FileName = "receipt.json";
}

/// <summary>Each of the folder's files by its SHA-256, in hex: weights, configuration, templates.</summary>
public sealed record ReceiptAdapter(IReadOnlyDictionary<string, string> Files);

/// <param name="Sha256">Of the base's files: of "sha256  name" lines in the order of the names.</param>
public sealed record ReceiptBase(string Model, string Sha256);

/// <param name="TrainingFile">SHA-256 of the file's bytes; the others where the job has them.</param>
/// <param name="InitFrom">Of the weights that training went on from.</param>
public sealed record ReceiptData(string TrainingFile, string? ValidationFile = null, string? TestFile = null, string? InitFrom = null);

/// <param name="Version">The service's, with its commit.</param>
public sealed record ReceiptCode(string Version);

/// <summary>What bits depend on beside the code: kernels differ by the instructions that they use.</summary>
public sealed record ReceiptMachine(string Architecture, string Instructions);

/// <summary>ECDSA over P-256 and SHA-256, of the receipt without this field.</summary>
/// <param name="PublicKey">The service's, as SubjectPublicKeyInfo in base64.</param>
/// <param name="Value">In base64, r and s after each other (IEEE P1363).</param>
public sealed record ReceiptSignature(string Algorithm, string PublicKey, string Value)
{
    [JsonIgnore]
    public bool IsKnown => Algorithm == Ecdsa;

    public const string Ecdsa = "ecdsa-p256-sha256";
}
