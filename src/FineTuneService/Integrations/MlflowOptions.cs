using System.ComponentModel.DataAnnotations;

namespace FineTuneService.Integrations;

/// <summary>The MLflow tracking server that jobs with an mlflow integration are told to: section FineTune:Mlflow.</summary>
public sealed class MlflowOptions
{
    /// <summary>Its address: the operator's choice, so a private one is allowed. Empty: jobs with an mlflow integration are refused.</summary>
    [RegularExpression("https?://[^/?#@\\s]+(/[^?#\\s]*)?", ErrorMessage = "FineTune:Mlflow:TrackingUri must be an address like https://mlflow.example.com, without a password, a query or a fragment.")]
    public string TrackingUri { get; set; } = "";

    /// <summary>Sent as Bearer, unless there is a user.</summary>
    [RegularExpression("[!-~]+", ErrorMessage = "FineTune:Mlflow:Token has a blank or a letter that no HTTP header takes.")]
    public string Token { get; set; } = "";

    /// <summary>Of MLflow's own basic-auth app, which knows no tokens.</summary>
    [RegularExpression("[^:]+", ErrorMessage = "FineTune:Mlflow:User has a colon, which basic authentication does not allow.")]
    public string User { get; set; } = "";
    public string Password { get; set; } = "";

    /// <summary>Where a job that names no experiment goes.</summary>
    [Required(ErrorMessage = "FineTune:Mlflow:Experiment is empty; name the experiment of jobs that name none.")]
    public string Experiment { get; set; } = "fine-tuning";
}
