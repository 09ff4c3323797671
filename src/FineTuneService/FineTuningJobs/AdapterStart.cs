using System.Security.Cryptography;
using System.Text.Json;
using FineTuneService.Adapters;
using FineTuneService.Data;
using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Hosting;
using FineTuneService.Models;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.FineTuningJobs;

/// <summary>What a job goes on from (init_from): an adapter by its id or name, or a checkpoint, as it was when the job was made.</summary>
/// <param name="Sha256">Of its weights' file, in hex: part of what the run depends on.</param>
public sealed record InitFrom(string Model, string AdapterId, string Sha256);

/// <summary>Finds what init_from names, at the job's creation and at its start.</summary>
internal static class AdapterStart
{
    /// <summary>OpenAI's way to go on: the fine-tuned model as model. Its base is then the job's, and it is what the job begins from.</summary>
    public static async Task<CreateJobRequest> OnItsBase(CreateJobRequest body, ModelCatalog catalog, CancellationToken cancel) =>
        body.InitFrom is null && await catalog.Find(body.Model, null, cancel) is { Adapter: { } adapter } ? body with { Model = adapter.BaseModel, InitFrom = adapter.Model } : body;

    /// <summary>The settings with the adapter that they begin from, whose shape is then the job's; or a refusal.</summary>
    public static async Task<(JobSettings Settings, IResult? Refusal)> Add(CreateJobRequest body, JobSettings settings, FineTuneDbContext db, CancellationToken cancel)
    {
        if (body.InitFrom is not { } name) return (settings, null);
        string id = await db.Checkpoints.AsNoTracking().Where(row => row.Id == name).Select(row => row.AdapterId).FirstOrDefaultAsync(cancel) ?? name;
        if (await db.Adapters.AsNoTracking().FirstOrDefaultAsync(row => row.Id == id || row.Model == id, cancel) is not { } adapter)
            return (settings, Errors.Make(404, $"There is no adapter or checkpoint '{Errors.Clip(name)}' of yours. GET /v1/models lists what there is.", "model_not_found", "init_from"));
        if (adapter.BaseModel != body.Model)
            return (settings, Errors.BadRequest($"'{Errors.Clip(name)}' was trained on '{adapter.BaseModel}'; give that as model.", param: "init_from"));
        if (body.Lora is not null) return (settings, Errors.BadRequest("What the job goes on from brings its own rank, alpha and targets; leave lora out.", param: "lora"));
        try
        {
            LoraConfig lora = PeftConfig.Parse(await File.ReadAllTextAsync(Path.Combine(adapter.Folder, PeftFolder.ConfigFile), cancel)) with { Initialisation = new LoraConfig().Initialisation };
            BasePrecision precision = body.Quantization is null && body.BaseDtype is null ? JsonSerializer.Deserialize<BasePrecision>(adapter.Precision, Json.Options)! : settings.Precision;
            string technique = lora.Prompt is null ? JobTechnique.Lora : JobTechnique.LlamaAdapter;
            if ((body.Technique ?? technique) != technique || body.LlamaAdapter is not null)
                return (settings, Errors.BadRequest($"init_from brings its own technique, {technique}, and its shape; leave technique and llama_adapter out.", param: "technique"));
            // What it answers with is what it goes on learning in.
            if (settings.ChatTemplate is null && settings.PromptTemplate is null) settings = settings with { ChatTemplate = AdapterChatTemplate.SourceOf(adapter.Folder) };
            settings = settings with { Technique = technique, LlamaAdapter = lora.Prompt, Lora = lora.Prompt is null ? lora : null };
            return (settings with { Precision = precision, InitFrom = new InitFrom(adapter.Model, adapter.Id, Sha256(adapter.Folder)) }, null);
        }
        catch (Exception gone) when (gone is FileNotFoundException or DirectoryNotFoundException or AdapterException or ChatTemplateException)
        {
            return (settings, Errors.Make(503, "The adapter's files on the service's disk cannot be used; its operator must restore them.", "model_damaged", "init_from"));
        }
    }

    /// <summary>Its folder, asked for by a run that has no checkpoint of its own yet.</summary>
    /// <exception cref="ArgumentException">It was deleted, or is no longer what it was.</exception>
    public static string Folder(IServiceScopeFactory scopes, InitFrom from)
    {
        using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext db);
        string gone = $"'{from.Model}', which the job was to go on from, was deleted before the job began; create the job again with another init_from.";
        AdapterEntry adapter = db.Adapters.AsNoTracking().FirstOrDefault(row => row.Id == from.AdapterId) ?? throw new ArgumentException(gone);
        if (!File.Exists(Path.Combine(adapter.Folder, PeftFolder.WeightsFile))) throw new ArgumentException(gone);
        return Sha256(adapter.Folder) == from.Sha256 ? adapter.Folder
            : throw new ArgumentException($"'{from.Model}', which the job was to go on from, is damaged: its bytes are not those that it had when the job was made.");
    }

    private static string Sha256(string folder)
    {
        using FileStream file = File.OpenRead(Path.Combine(folder, PeftFolder.WeightsFile));
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }
}
