using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace FineTuneService.Data.Migrations
{
    /// <inheritdoc />
    public partial class JobTracking : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "Integrations",
                table: "jobs",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "Tracking",
                table: "jobs",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<long>(
                name: "TrackingDueAt",
                table: "jobs",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.CreateIndex(
                name: "IX_jobs_TrackingDueAt",
                table: "jobs",
                column: "TrackingDueAt");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_jobs_TrackingDueAt",
                table: "jobs");

            migrationBuilder.DropColumn(
                name: "Integrations",
                table: "jobs");

            migrationBuilder.DropColumn(
                name: "Tracking",
                table: "jobs");

            migrationBuilder.DropColumn(
                name: "TrackingDueAt",
                table: "jobs");
        }
    }
}
