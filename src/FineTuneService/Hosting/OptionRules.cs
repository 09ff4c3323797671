using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace FineTuneService.Hosting;

/// <summary>Holds each option to its attributes, and says its sentence where it is wrong: .NET's own validator puts names of types and members around it.</summary>
internal sealed class OptionRules : IValidateOptions<FineTuneOptions>
{
    public ValidateOptionsResult Validate(string? name, FineTuneOptions options)
    {
        var wrong = new List<ValidationResult>();
        foreach (object part in new object[] { options, options.Hub, options.Mlflow }) Validator.TryValidateObject(part, new ValidationContext(part), wrong, validateAllProperties: true);
        return wrong.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(wrong.Select(one => one.ErrorMessage!));
    }
}
