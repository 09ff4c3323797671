using FineTuneService.Completions;
using FineTuneService.Data;
using FineTuneService.Device;
using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Tokenizers;
using FineTuneService.Hosting;
using FineTuneService.Models;

namespace FineTuneService.Tokenization;

/// <summary>No token of the model has this id.</summary>
internal sealed class UnknownTokenException(int id) : Exception($"Token {id} is not one of this model's.");

/// <summary>What a served model's texts are made with.</summary>
/// <param name="Capacity">Tokens of its context.</param>
internal sealed record TextModel(PromptEncoder Encoder, Tokenizer Tokenizer, int Capacity);

/// <summary>Runs a tenant's templates and tokenizers beside the device, as answers' prompts are made.</summary>
internal sealed class ServedTexts(CurrentTenant tenant, ModelCatalog catalog, ModelTexts texts, Answering answering, EncodingTurns encodings)
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    /// <param name="field">The field that holds the text.</param>
    public async Task<IResult> Run<T>(string name, Func<TextModel, T> work, string field, CancellationToken cancel)
    {
        if (await catalog.Find(name, null, cancel) is not { } served) return Errors.ModelNotFound(name);
        try
        {
            return Results.Ok(await encodings.Run(tenant.Id, () =>
            {
                ModelText text = texts.Of(served.Folder);
                int capacity = ResidentModels.Capacity(text.Config);
                return work(new TextModel(answering.Encoder(served, text, int.MaxValue), text.RequireTokenizer(), capacity));
            }, Longest, cancel));
        }
        catch (ChatTemplateException refused)
        {
            return refused.Message == "the model has none." ? Errors.BadRequest($"The model '{name}' has no chat template.", "no_chat_template", "model")
                : Errors.BadRequest($"The model's chat template refuses these messages: {refused.Message}", param: field);
        }
        catch (UnknownTokenException unknown)
        {
            return Errors.BadRequest(unknown.Message, param: field);
        }
        catch (TimeoutException)
        {
            return Errors.BadRequest($"This takes longer than {Longest.TotalSeconds:0} seconds; send less at once.", param: field);
        }
    }
}
