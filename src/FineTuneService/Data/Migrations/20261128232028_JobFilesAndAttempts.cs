using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace FineTuneService.Data.Migrations
{
    /// <inheritdoc />
    public partial class JobFilesAndAttempts : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<int>(
                name: "Attempts",
                table: "jobs",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<long>(
                name: "ClaimedAt",
                table: "jobs",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.AddColumn<string>(
                name: "TrainingFilename",
                table: "jobs",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "TrainingSha256",
                table: "jobs",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "ValidationFilename",
                table: "jobs",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "ValidationSha256",
                table: "jobs",
                type: "TEXT",
                nullable: true);

            // Jobs that are in the queue already keep their files' bytes from now on.
            migrationBuilder.Sql("""
                UPDATE jobs SET
                    TrainingSha256 = (SELECT Sha256 FROM files WHERE files.Id = jobs.TrainingFile), TrainingFilename = (SELECT Filename FROM files WHERE files.Id = jobs.TrainingFile),
                    ValidationSha256 = (SELECT Sha256 FROM files WHERE files.Id = jobs.ValidationFile), ValidationFilename = (SELECT Filename FROM files WHERE files.Id = jobs.ValidationFile)
                """);

            migrationBuilder.CreateIndex(
                name: "IX_jobs_TenantId",
                table: "jobs",
                column: "TenantId");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_jobs_TenantId",
                table: "jobs");

            migrationBuilder.DropColumn(
                name: "Attempts",
                table: "jobs");

            migrationBuilder.DropColumn(
                name: "ClaimedAt",
                table: "jobs");

            migrationBuilder.DropColumn(
                name: "TrainingFilename",
                table: "jobs");

            migrationBuilder.DropColumn(
                name: "TrainingSha256",
                table: "jobs");

            migrationBuilder.DropColumn(
                name: "ValidationFilename",
                table: "jobs");

            migrationBuilder.DropColumn(
                name: "ValidationSha256",
                table: "jobs");
        }
    }
}
