using FineTuneService.Completions;
using FineTuneService.Models;

namespace FineTuneService.Tokenization;

/// <summary>Swagger UI's examples of tokens and templates.</summary>
internal static class TokenizationExamples
{
    public static readonly TokenizeRequest Tokenize = new() { Model = "talers-2m", Prompt = "Good day" };
    public static readonly TokenizeBody Tokens = new(2, 512, [412, 380], ["Good", "\u0120day"]);
    public static readonly DetokenizeRequest Detokenize = new() { Model = "talers-2m", Tokens = [412, 380] };
    public static readonly DetokenizeBody Text = new("Good day");
    public static readonly ChatTemplateRequest Template = new() { Model = ModelExamples.Tuned, Messages = [new MessageBody { Role = "user", Content = "Where is my parcel?" }] };
    public static readonly ChatTemplateBody Prompt = new("<|user|>\nWhere is my parcel?\n<|assistant|>\n");
}
