using FineTuneService.Completions;
using FineTuneService.Data;
using FineTuneService.Device;
using FineTuneService.Files;
using FineTuneService.Hosting;
using FineTuneService.Models;
using FineTuneService.Tenants;

var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
builder.AddHosting();
builder.Services.AddDatabase();
builder.Services.AddSingleton<DataDirectory>();
builder.Services.AddSingleton<BlobStore>();
builder.Services.AddSingleton<AdminKey>();
builder.Services.AddSingleton<DeviceLease>();
builder.Services.AddSingleton<ResidentModels>();
builder.Services.AddSingleton<Answering>();
builder.Services.AddScoped<ModelCatalog>();

var app = builder.Build();
app.Prepare();
app.UseHosting();
app.MapHealth();
app.MapTenants();
app.MapFiles();
app.MapCompletions();
app.Run();
