using FineTuneService.Adapters;
using FineTuneService.Completions;
using FineTuneService.Data;
using FineTuneService.Device;
using FineTuneService.Evaluations;
using FineTuneService.Files;
using FineTuneService.FineTuningJobs;
using FineTuneService.Hosting;
using FineTuneService.Models;
using FineTuneService.Tenants;
using FineTuneService.Tokenization;
using FineTuneService.Webhooks;

ProcessDefaults.Apply();
WebApplication app;
try
{
    var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
    builder.AddHosting();
    builder.Services.AddDatabase();
    builder.Services.AddSingleton<DataDirectory>();
    builder.Services.AddSingleton<BlobStore>();
    builder.Services.AddSingleton<AdminKey>();
    builder.Services.AddSingleton<DeviceLease>();
    builder.Services.AddSingleton<ModelTexts>();
    builder.Services.AddSingleton<ResidentModels>();
    builder.Services.AddSingleton<ModelAccess>();
    builder.Services.AddSingleton<EncodingTurns>();
    builder.Services.AddSingleton<Answering>();
    builder.Services.AddScoped<ServedTexts>();
    builder.Services.AddSingleton<TaskData>();
    builder.Services.AddSingleton<Evaluating>();
    builder.Services.AddScoped<EvaluationReader>();
    builder.Services.AddScoped<EvaluationStore>();
    builder.Services.AddScoped<ModelCatalog>();
    builder.Services.AddScoped<ModelStore>();
    builder.Services.AddScoped<AdapterStore>();
    builder.Services.AddSingleton<JobSignal>();
    builder.Services.AddSingleton<JobEventStream>();
    builder.Services.AddSingleton<JobQueue>();
    builder.Services.AddSingleton<JobFolders>();
    builder.Services.AddSingleton<JobCheckpoints>();
    builder.Services.AddSingleton<JobMetricsFile>();
    builder.Services.AddSingleton<JobLimits>();
    builder.Services.AddSingleton<JobEvaluation>();
    builder.Services.AddSingleton<JobRepeats>();
    builder.Services.AddSingleton<JobResult>();
    builder.Services.AddScoped<JobAdmission>();
    builder.Services.AddSingleton<TrainingDataReader>();
    builder.Services.AddSingleton<JobFiles>();
    builder.Services.AddSingleton<JobValidation>();
    builder.Services.AddSingleton<JobTraining>();
    builder.Services.AddSingleton<JobEnding>();
    builder.Services.AddHostedService<FineTuningWorker>();
    builder.Services.AddHostedService<WebhookSender>();

    app = builder.Build();
    app.Prepare();
    app.UseHosting();
    app.MapHealth();
    app.MapTenants();
    app.MapFiles();
    app.MapModels();
    app.MapAdapters();
    app.MapFineTuningJobs();
    app.MapJobWishes();
    app.MapJobMetrics();
    app.MapCompletions();
    app.MapTokenization();
    app.MapEvaluations();
    app.MapWebhooks();
    await app.Begin();
}
catch (Exception failure) when (StartFault.Explain(failure) is { } sentence)
{
    Console.Error.WriteLine(sentence);
    return 1;
}
await app.End();
return 0;
